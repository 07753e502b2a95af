-- Marks a run as running and reads what its attempt needs. $1 run id, $2 attempt, $3 now.
UPDATE test_runs r SET status = 'running', attempt = $2, started_at = coalesce(r.started_at, $3),
       quarantined = EXISTS (SELECT 1 FROM quarantine q WHERE q.test_case_id = r.test_case_id AND q.left_at IS NULL)
FROM (SELECT t.id, coalesce(t.definition, c.definition) AS definition, s.defaults
      FROM test_runs t LEFT JOIN test_cases c ON c.id = t.test_case_id LEFT JOIN suite_runs s ON s.id = t.suite_run_id
      WHERE t.id = $1) d
WHERE r.id = d.id
RETURNING r.test_case_id, r.title, coalesce(r.user_id, ''), r.config::text, r.max_attempts, r.total_steps,
          coalesce(d.definition::text, ''), coalesce(r.workflow_run_id, ''), coalesce(d.defaults::text, ''), r.quarantined;
