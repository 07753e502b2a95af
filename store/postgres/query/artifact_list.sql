-- Reads the records of a run's files, in the order of what they show. $1 run id.
SELECT id::text, run_id, attempt, coalesce(step_number, 0), kind, content_type, bytes, sha256, path, coalesce(note, ''), created_at
FROM artifacts WHERE run_id = $1 ORDER BY attempt, step_number NULLS LAST, created_at, id;
