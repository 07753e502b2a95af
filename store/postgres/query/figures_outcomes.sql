-- Counts how runs ended since then, other than those in quarantine. $1 since.
SELECT count(*) FILTER (WHERE status IN ('completed', 'adapted', 'failed')), count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE flaky)
FROM test_runs WHERE finished_at >= $1 AND NOT quarantined;
