-- Lists the job schedulers of a queue. $1 queue.
SELECT id, fields::text, next_at FROM job_schedulers WHERE queue = $1 ORDER BY id;
