-- Reads a run's job. $1 queue, $2 run id.
SELECT record::text FROM jobs WHERE queue = $1 AND run_id = $2;
