-- Reads a queue's newest finished jobs of a state, oldest of them first.
-- $1 queue, $2 state, $3 limit, $4 also those of which changes wait in the outbox.
SELECT record::text FROM (
    SELECT j.record, j.finished_at FROM jobs j WHERE j.queue = $1 AND j.state = $2 AND j.finished_at IS NOT NULL
    AND ($4 OR NOT EXISTS (SELECT 1 FROM outbox o WHERE o.queue = j.queue AND o.job_id = j.id))
    ORDER BY j.finished_at DESC LIMIT $3
) newest ORDER BY finished_at;
