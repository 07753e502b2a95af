-- Counts how runs ended since then. $1 since.
SELECT count(*) FILTER (WHERE status IN ('completed', 'adapted', 'failed')), count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE flaky)
FROM test_runs WHERE finished_at >= $1;
