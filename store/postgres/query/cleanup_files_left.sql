-- Lists files that stay by their age, of runs that ended, the oldest first. The parameters are those of cleanup_files.
SELECT a.id::text, a.run_id, a.path, a.kind, a.bytes, r.finished_at FROM artifacts a JOIN test_runs r ON r.id = a.run_id
WHERE a.path <> '' AND NOT /*held*/ AND r.finished_at IS NOT NULL AND NOT /*expired*/ AND NOT /*goes*/
  AND (r.finished_at, r.id) >= ($7::timestamptz, $8::text) AND (r.finished_at, r.id, a.id::text) > ($7::timestamptz, $8::text, $9::text)
  AND r.finished_at < $11::timestamptz
ORDER BY r.finished_at, r.id, a.id::text LIMIT $10;
