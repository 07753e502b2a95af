-- Forgets how a step's element looked since a learned locator was promoted, with some seconds for clocks that differ: it may have been another element.
-- What a run saw that was there before the one whose heal taught the locator stays. $1 locator.
DELETE FROM fingerprints f USING learned_locators l
WHERE l.id = $1 AND f.test_case_id = l.test_case_id AND f.environment = l.environment AND f.step_number = l.step_number AND f.step_hash = l.step_hash
  AND f.created_at >= (SELECT max(decided_at) - interval '5 seconds' FROM locator_decisions WHERE locator_id = l.id AND to_status = 'promoted')
  AND NOT EXISTS (
      SELECT 1 FROM adaptations a JOIN test_runs healed ON healed.id = a.run_id JOIN test_runs seen ON seen.id = f.run_id
      WHERE a.id = l.adaptation_id AND seen.created_at <= healed.created_at
  );
