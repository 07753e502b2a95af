-- Counts dead letters. Of the filter, NULL means any.
-- $1 queue, $2 class, $3 test case, $4 died since, $5 died before, $6 only older ones than this id,
-- $7 whether to leave out those of runs in quarantine.
SELECT count(*) FROM dead_letters l
WHERE ($1::text IS NULL OR queue = $1) AND ($2::text IS NULL OR class = $2) AND ($3::text IS NULL OR test_case_id = $3)
  AND ($4::timestamptz IS NULL OR died_at >= $4) AND ($5::timestamptz IS NULL OR died_at < $5)
  AND ($6::bigint IS NULL OR id < $6)
  AND (NOT $7::boolean OR EXISTS (SELECT 1 FROM test_runs r WHERE r.id = l.run_id AND NOT r.quarantined));
