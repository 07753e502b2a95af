-- Reads a stored file's record. $1 run id, $2 artifact id.
SELECT id::text, run_id, attempt, coalesce(step_number, 0), kind, content_type, bytes, sha256, path, coalesce(note, ''), created_at
FROM artifacts WHERE run_id = $1 AND id = $2::uuid;
