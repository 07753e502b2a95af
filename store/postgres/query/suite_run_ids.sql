-- Lists the runs of a suite run in their order. $1 suite run, $2 limit, $3 how many to leave out.
SELECT id FROM test_runs WHERE suite_run_id = $1 ORDER BY suite_order LIMIT $2 OFFSET $3;
