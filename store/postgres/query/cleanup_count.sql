-- Adds to what a clean-up counted. $1 id, $2 kind, $3 how many, $4 bytes.
INSERT INTO cleanup_counts AS c (cleanup_id, kind, items, bytes) VALUES ($1, $2, $3, $4)
ON CONFLICT (cleanup_id, kind) DO UPDATE SET items = c.items + excluded.items, bytes = c.bytes + excluded.bytes;
