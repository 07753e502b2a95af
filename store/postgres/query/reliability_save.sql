-- Keeps how a case does. $1 case, $2 environment, $3 runs, $4 passed, $5 flaky, $6 to $8 reliability, $9 to $11 flakiness, $12 newest run.
INSERT INTO case_reliability AS c (test_case_id, environment, runs, passed, flaky, reliability, reliability_low, reliability_high,
    flakiness, flakiness_low, flakiness_high, newest_run_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (test_case_id, environment) DO UPDATE SET (runs, passed, flaky, reliability, reliability_low, reliability_high,
    flakiness, flakiness_low, flakiness_high, newest_run_at) = ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
WHERE (c.runs, c.passed, c.flaky, c.reliability, c.flakiness, c.newest_run_at) IS DISTINCT FROM ($3, $4, $5, $6, $9, $12);
