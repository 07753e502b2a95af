-- Forgets a job scheduler. $1 queue, $2 id.
DELETE FROM job_schedulers WHERE queue = $1 AND id = $2;
