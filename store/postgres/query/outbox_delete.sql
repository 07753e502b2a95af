-- Deletes changes that were applied. $1 ids.
DELETE FROM outbox WHERE id = ANY ($1::bigint[]);
