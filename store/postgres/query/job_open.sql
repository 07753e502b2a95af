-- Reads a queue's open jobs in the order in which they came to where they are: the longest waiting first.
-- $1 queue, $2 also those of which changes wait in the outbox.
SELECT j.record::text FROM jobs j WHERE j.queue = $1 AND j.finished_at IS NULL
AND ($2 OR NOT EXISTS (SELECT 1 FROM outbox o WHERE o.queue = j.queue AND o.job_id = j.id))
ORDER BY CASE WHEN j.state = 'delayed' THEN (j.record->>'dueAt')::timestamptz ELSE j.since END, j.since, j.id;
