-- Reads the oldest changes of a queue. $1 queue, $2 limit.
SELECT id, change::text, created_at FROM outbox WHERE queue = $1 ORDER BY id LIMIT $2;
