-- Notes that a run's workflow has started. $1 run id, $2 Temporal run id.
UPDATE test_runs SET workflow_run_id = $2 WHERE id = $1 AND workflow_run_id IS NULL;
