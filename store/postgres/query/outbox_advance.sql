-- Moves a queue's position on, by one at least; returns the old and the new one. $1 queue, $2 highest id that is applied.
WITH before AS (SELECT outbox_id FROM relay_positions WHERE queue = $1)
INSERT INTO relay_positions (queue, outbox_id) VALUES ($1, $2)
ON CONFLICT (queue) DO UPDATE SET outbox_id = greatest(relay_positions.outbox_id + 1, excluded.outbox_id)
RETURNING coalesce((SELECT outbox_id FROM before), 0), outbox_id;
