-- Reads clean-ups, the newest first. $1 id, or NULL for any; $2 limit.
SELECT id, dry_run, coalesce(report::text, ''), started_at, finished_at FROM cleanups
WHERE $1::text IS NULL OR id = $1
ORDER BY started_at DESC, id LIMIT $2;
