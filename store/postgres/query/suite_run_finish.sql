-- Ends a suite run, once, as its runs ended. $1 suite run, $2 whether it was cancelled, $3 reason, $4 now.
UPDATE suite_runs SET
    status = CASE
        WHEN $2 THEN 'cancelled'
        WHEN EXISTS (SELECT 1 FROM test_runs WHERE suite_run_id = $1 AND status = 'failed' AND NOT quarantined) THEN 'failed'
        WHEN EXISTS (SELECT 1 FROM test_runs WHERE suite_run_id = $1 AND status = 'cancelled') THEN 'cancelled'
        ELSE 'completed' END,
    error = $3, finished_at = $4
WHERE id = $1 AND finished_at IS NULL;
