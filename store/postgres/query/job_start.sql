-- Reads what starts a job's workflow again. $1 queue, $2 id.
SELECT workflow_input::text, coalesce(workflow_run_id, '') FROM jobs WHERE queue = $1 AND id = $2 AND workflow_input IS NOT NULL;
