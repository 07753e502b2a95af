-- Gives a job that runs again the input of its next workflow, which has not started. $1 queue, $2 id, $3 input.
UPDATE jobs SET workflow_input = $3::text::json, workflow_run_id = NULL WHERE queue = $1 AND id = $2;
