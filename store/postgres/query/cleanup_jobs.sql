-- Lists jobs that ended long ago and whose run is gone, or whose queue is no more.
-- $1 before then, $2 limit, $3 the queues that there are, $4 those of runs.
SELECT j.ctid FROM jobs j
WHERE j.finished_at < $1::timestamptz AND (j.queue <> ALL ($3::text[])
   OR j.queue = ANY ($4::text[]) AND NOT EXISTS (SELECT 1 FROM test_runs r WHERE r.id = j.run_id)) LIMIT $2
