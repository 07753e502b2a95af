-- Forgets the counts of a clean-up that begins anew. $1 id, $2 when it began.
DELETE FROM cleanup_counts WHERE cleanup_id = $1
  AND EXISTS (SELECT 1 FROM cleanups WHERE id = $1 AND started_at = $2);
