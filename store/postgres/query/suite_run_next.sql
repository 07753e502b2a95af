-- Lists the next runs of a suite that have not ended. $1 suite run, $2 the place after which to begin, $3 limit.
SELECT id, suite_order, test_case_id, title, workflow_input::text, quarantined FROM test_runs
WHERE suite_run_id = $1 AND suite_order > $2 AND finished_at IS NULL
ORDER BY suite_order
LIMIT $3;
