-- Lists the newest runs that passed with something that a heal taught of a step, and how they found the step's element: selectors are
-- compared by whoever asks, as pages' texts in the evidence may be more than Postgres can read. $1 case, $2 environment, $3 step number, $4 step hash, $5 limit.
SELECT a.run_id, a.evidence::text FROM adaptations a JOIN test_runs r ON r.id = a.run_id
WHERE a.test_case_id = $1 AND a.environment = $2 AND a.step_number = $3 AND a.step_hash = $4
  AND a.type IN ('locator', 'learned-locator') AND a.successful AND r.status IN ('completed', 'adapted')
ORDER BY a.created_at DESC, a.id LIMIT $5;
