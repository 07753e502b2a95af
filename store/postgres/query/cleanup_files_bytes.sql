-- Sums the bytes of files that stay. $1 to $3 as of goes, $4 to $6 as of expired.
SELECT coalesce(sum(a.bytes), 0)::bigint FROM artifacts a JOIN test_runs r ON r.id = a.run_id
WHERE a.path <> '' AND (/*held*/ OR NOT (/*expired*/ OR /*goes*/));
