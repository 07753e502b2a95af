-- Lists the jobs of a queue that ended in a state, but for the newest, unless changes of them wait in the outbox.
-- $1 queue, $2 state, $3 how many are left out.
SELECT j.id FROM jobs j WHERE j.queue = $1 AND j.state = $2 AND j.finished_at IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.queue = j.queue AND o.job_id = j.id)
ORDER BY j.finished_at DESC OFFSET $3;
