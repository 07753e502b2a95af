-- Lists open jobs that a workflow carries out, by the id of their run. $1 queue, $2 where they are since before then, $3 after this run,
-- $4 limit.
SELECT j.run_id, coalesce(r.workflow_run_id, j.workflow_run_id)
FROM jobs j LEFT JOIN test_runs r ON r.id = j.run_id AND j.workflow_input IS NULL
WHERE j.queue = $1 AND j.finished_at IS NULL AND j.since < $2 AND j.run_id > $3
  AND coalesce(r.workflow_run_id, j.workflow_run_id) IS NOT NULL
ORDER BY j.run_id LIMIT $4;
