-- Notes that a suite run's workflow has started. $1 suite run, $2 Temporal run id.
UPDATE suite_runs SET workflow_run_id = $2 WHERE id = $1;
