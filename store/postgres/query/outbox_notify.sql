-- Wakes the relays when the transaction commits. $1 queue.
SELECT pg_notify('cinnamon_outbox', $1);
