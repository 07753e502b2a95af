-- Lists the jobs of a queue, in the order of their ids: the open ones, and the finished ones that Redis may still show.
-- $1 queue, $2 limit, $3 after this id.
SELECT j.id, j.state, j.seq, j.created_at, (j.record->>'dueAt')::timestamptz,
       coalesce((j.record->'options'->>'priority')::int, 0),
       EXISTS (SELECT 1 FROM outbox o WHERE o.queue = j.queue AND o.job_id = j.id)
FROM jobs j WHERE j.queue = $1 AND j.id > $3 ORDER BY j.id LIMIT $2;
