-- Lists runs of a suite that have not ended. $1 suite run, $2 limit.
SELECT id FROM test_runs WHERE suite_run_id = $1 AND finished_at IS NULL ORDER BY suite_order LIMIT $2;
