-- Reads how far a queue's outbox is applied. $1 queue.
SELECT coalesce(max(outbox_id), 0) FROM relay_positions WHERE queue = $1;
