-- Lists cases of which a run ended in a span of time, by id. $1 from, $2 until, $3 after this id, $4 limit.
SELECT DISTINCT test_case_id FROM test_runs
WHERE finished_at > $1 AND finished_at <= $2 AND environment IS NOT NULL AND test_case_id > $3 ORDER BY test_case_id LIMIT $4;
