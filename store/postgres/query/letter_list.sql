-- Lists dead letters, the newest first. Of the filter, NULL means any.
-- $1 queue, $2 class, $3 test case, $4 died since, $5 died before, $6 only older ones than this id, $7 whether to leave out those of
-- runs in quarantine, $8 limit.
SELECT l.id, l.queue, l.job_id, l.run_id, l.test_case_id, r.title, coalesce(r.suite_run_id, ''), l.class, l.reason, l.attempts, l.died_at
FROM dead_letters l JOIN test_runs r ON r.id = l.run_id
WHERE ($1::text IS NULL OR l.queue = $1) AND ($2::text IS NULL OR l.class = $2) AND ($3::text IS NULL OR l.test_case_id = $3)
  AND ($4::timestamptz IS NULL OR l.died_at >= $4) AND ($5::timestamptz IS NULL OR l.died_at < $5)
  AND ($6::bigint IS NULL OR l.id < $6)
  AND NOT ($7::boolean AND r.quarantined)
ORDER BY l.id DESC
LIMIT $8;
