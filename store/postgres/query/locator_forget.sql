-- Forgets how a step's element looked since a learned locator was promoted, with some seconds for clocks that differ: it may have been another element. $1 locator.
DELETE FROM fingerprints f USING learned_locators l
WHERE l.id = $1 AND f.test_case_id = l.test_case_id AND f.environment = l.environment AND f.step_number = l.step_number AND f.step_hash = l.step_hash
  AND f.created_at >= (SELECT max(decided_at) - interval '5 seconds' FROM locator_decisions WHERE locator_id = l.id AND to_status = 'promoted');
