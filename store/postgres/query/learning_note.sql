-- Notes that there is something to learn of a run's case: the run adapted, or failed where heals had taught something or were refused. $1 run id.
INSERT INTO learning_due (test_case_id)
SELECT r.test_case_id FROM test_runs r
WHERE r.id = $1 AND (r.status = 'adapted' OR r.status = 'failed' AND r.environment IS NOT NULL AND (
    EXISTS (SELECT 1 FROM adaptations a WHERE a.run_id = r.id)
    OR EXISTS (SELECT 1 FROM learned_locators l WHERE l.test_case_id = r.test_case_id AND l.status <> 'rejected')))
ON CONFLICT DO NOTHING; -- a job for it will be added
