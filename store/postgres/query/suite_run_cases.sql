-- Reads the cases of a suite run, in their order. $1 suite run, $2 whether only those that did not pass.
SELECT CASE WHEN definition IS NULL THEN test_case_id ELSE '' END, coalesce(definition::text, '') FROM test_runs
WHERE suite_run_id = $1 AND (NOT $2 OR status IN ('failed', 'cancelled'))
ORDER BY suite_order;
