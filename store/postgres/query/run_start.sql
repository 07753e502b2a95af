-- Reads what starts a run's workflow again. $1 run id.
SELECT test_case_id, coalesce(user_id, ''), title, priority, workflow_input::text, coalesce(workflow_run_id, ''),
       finished_at IS NULL
FROM test_runs WHERE id = $1 FOR UPDATE;
