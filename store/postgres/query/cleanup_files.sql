-- Lists files that go, of runs that stay. $1 to $3 as of goes, $4 to $6 as of expired, $7 to $9 after this one,
-- $10 limit, $11 of no run that ended then or later.
SELECT a.id::text, a.run_id, a.path, a.kind, a.bytes, r.finished_at FROM artifacts a JOIN test_runs r ON r.id = a.run_id
WHERE a.path <> '' AND NOT /*held*/ AND /*expired*/ AND NOT /*goes*/
  AND (r.finished_at, r.id) >= ($7::timestamptz, $8::text) AND (r.finished_at, r.id, a.id::text) > ($7::timestamptz, $8::text, $9::text)
  AND r.finished_at < $11::timestamptz
ORDER BY r.finished_at, r.id, a.id::text LIMIT $10;
