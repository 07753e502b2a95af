-- Lists suite runs whose workflow was not started. $1 created before, $2 limit.
SELECT id, coalesce(user_id, ''), title, workflow_input::text FROM suite_runs
WHERE workflow_run_id IS NULL AND finished_at IS NULL AND created_at < $1
ORDER BY created_at
LIMIT $2;
