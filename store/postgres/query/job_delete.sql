-- Deletes a job, and what is on its way to Redis of it. $1 queue, $2 id.
WITH pending AS (DELETE FROM outbox WHERE queue = $1 AND job_id = $2)
DELETE FROM jobs WHERE queue = $1 AND id = $2;
