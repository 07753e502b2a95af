-- Lists runs whose workflow was not started, most urgent first. Those of a suite are started by its workflow, the first time.
-- $1 created before, $2 limit.
SELECT r.id, j.queue, r.test_case_id, coalesce(r.user_id, ''), r.title, r.priority, r.workflow_input::text
FROM test_runs r JOIN jobs j ON j.run_id = r.id AND j.finished_at IS NULL
WHERE r.workflow_run_id IS NULL AND r.status = 'pending' AND (r.suite_run_id IS NULL OR r.requeued_at IS NOT NULL)
  AND coalesce(r.requeued_at, r.created_at) < $1
ORDER BY r.priority DESC, r.created_at
LIMIT $2;
