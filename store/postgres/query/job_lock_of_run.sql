-- Reads a run's job and locks it until the transaction ends. $1 queue, $2 run id.
SELECT record::text FROM jobs WHERE queue = $1 AND run_id = $2 FOR UPDATE;
