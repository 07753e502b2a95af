-- Locks those of some files that may still go, and their runs. $1 ids.
SELECT a.id::text, a.run_id, a.path, a.kind, a.bytes, r.finished_at FROM artifacts a JOIN test_runs r ON r.id = a.run_id
WHERE a.id = ANY ($1::uuid[]) AND a.path <> '' AND r.finished_at IS NOT NULL AND NOT /*held*/ FOR UPDATE;
