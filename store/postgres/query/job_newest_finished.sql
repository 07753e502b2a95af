-- Reads a queue's newest finished jobs of a state, oldest of them first. $1 queue, $2 state, $3 limit.
SELECT record::text FROM (
    SELECT record, finished_at FROM jobs WHERE queue = $1 AND state = $2 AND finished_at IS NOT NULL
    ORDER BY finished_at DESC LIMIT $3
) newest ORDER BY finished_at;
