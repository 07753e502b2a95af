-- Reads a job that carries out no test run. $1 queue, $2 id.
SELECT record::text, coalesce(workflow_run_id, '') FROM jobs WHERE queue = $1 AND id = $2 AND workflow_input IS NOT NULL;
