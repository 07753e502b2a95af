-- Says whether changes of a job are on their way to Redis. $1 queue, $2 id.
SELECT EXISTS (SELECT 1 FROM outbox WHERE queue = $1 AND job_id = $2);
