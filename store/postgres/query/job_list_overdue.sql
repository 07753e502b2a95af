-- Lists jobs that have waited for a worker for longer than they may, with how long they waited and may wait, in ms. A run that
-- its suite has not started yet does not wait for a worker but for its turn.
-- $1 queue and $2 run, or NULL for any; $3 limit.
SELECT j.queue, j.run_id,
       (extract(epoch FROM clock_timestamp() - j.expires_at) * 1000)::bigint + (j.record->>'queueTimeout')::bigint,
       (j.record->>'queueTimeout')::bigint
FROM jobs j JOIN test_runs r ON r.id = j.run_id
WHERE j.expires_at <= clock_timestamp() AND ($1::text IS NULL OR j.queue = $1) AND ($2::text IS NULL OR j.run_id = $2)
  AND ($2::text IS NOT NULL OR r.suite_run_id IS NULL OR r.workflow_run_id IS NOT NULL)
ORDER BY j.expires_at
LIMIT $3;
