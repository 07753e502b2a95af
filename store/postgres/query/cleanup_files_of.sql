-- Reads the files of runs. $1 runs.
SELECT a.id::text, a.run_id, a.path, a.kind, a.bytes, r.finished_at FROM artifacts a JOIN test_runs r ON r.id = a.run_id
WHERE a.run_id = ANY ($1::text[]) AND a.path <> '';
