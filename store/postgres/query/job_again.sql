-- Gives a job that runs again the input of its new workflow. $1 queue, $2 id, $3 input, $4 Temporal run id, if it has started.
UPDATE jobs SET workflow_input = $3::text::json, workflow_run_id = $4 WHERE queue = $1 AND id = $2;
