-- Notes that a job's workflow has started. $1 queue, $2 id, $3 Temporal run id.
UPDATE jobs SET workflow_run_id = $3 WHERE queue = $1 AND id = $2 AND workflow_run_id IS NULL;
