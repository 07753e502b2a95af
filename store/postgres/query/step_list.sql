-- Reads a run's steps, in order. $1 run id.
SELECT attempt, number, action, description, status, coalesce(duration_ms, 0), coalesce(error, ''), started_at,
       coalesce(screenshot_id::text, '')
FROM test_steps WHERE run_id = $1 ORDER BY attempt, number;
