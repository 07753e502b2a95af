-- Says whether a job has waited for a worker for longer than it may. $1 queue, $2 id.
SELECT coalesce(expires_at <= clock_timestamp(), false) FROM jobs WHERE queue = $1 AND id = $2;
