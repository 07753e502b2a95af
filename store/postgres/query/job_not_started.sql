-- Lists jobs whose workflow was not started, the longest waiting first. $1 waiting since before then, $2 limit.
SELECT queue, id, coalesce((record->'options'->>'priority')::int, 0), workflow_input::text FROM jobs
WHERE workflow_input IS NOT NULL AND workflow_run_id IS NULL AND finished_at IS NULL AND since < $1
ORDER BY since
LIMIT $2;
