-- Reads the oldest changes of a queue. $1 queue, $2 limit.
SELECT id, change::text FROM outbox WHERE queue = $1 ORDER BY id LIMIT $2;
