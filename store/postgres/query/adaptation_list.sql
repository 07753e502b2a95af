-- Reads how a run's attempts found elements again, in order. $1 run.
SELECT id::text, run_id, attempt, step_number, test_case_id, environment, step_hash, type, successful, reason, evidence, created_at
FROM adaptations WHERE run_id = $1 ORDER BY attempt, step_number, created_at, id;
