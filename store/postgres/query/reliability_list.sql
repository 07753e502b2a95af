-- Lists how a case does in its environments, or all cases, the least reliable first. $1 case or NULL, $2 limit.
SELECT test_case_id, environment, runs, passed, flaky, reliability, reliability_low, reliability_high, flakiness, flakiness_low, flakiness_high, newest_run_at
FROM case_reliability WHERE $1::text IS NULL OR test_case_id = $1 ORDER BY reliability, test_case_id, environment LIMIT $2;
