-- Judges a suite run that has ended again, as a run of it was run once more. $1 run id.
UPDATE suite_runs s SET status = CASE
        WHEN EXISTS (SELECT 1 FROM test_runs WHERE suite_run_id = s.id AND status = 'failed' AND NOT quarantined) THEN 'failed'
        WHEN EXISTS (SELECT 1 FROM test_runs WHERE suite_run_id = s.id AND status = 'cancelled') THEN 'cancelled'
        ELSE 'completed' END
FROM test_runs r
WHERE r.id = $1 AND s.id = r.suite_run_id AND s.finished_at IS NOT NULL AND s.status IN ('failed', 'completed');
