-- Lists suite runs all of whose runs go. $1 to $3 as of goes, $4 before then, $5 limit.
SELECT s.ctid FROM suite_runs s
WHERE s.finished_at < $4::timestamptz
  AND NOT EXISTS (SELECT 1 FROM test_runs r WHERE r.suite_run_id = s.id AND (/*held*/ OR NOT /*goes*/)) LIMIT $5
