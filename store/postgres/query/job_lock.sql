-- Reads a job and locks it until the transaction ends. $1 queue, $2 id.
SELECT record::text FROM jobs WHERE queue = $1 AND id = $2 FOR UPDATE;
