-- Counts the end of a run for the quarantine that its case was in when it began: with the last pass that it takes, the case leaves.
-- $1 run, $2 whether it passed, $3 whether it failed and the test may be why; neither: it says nothing of the test.
WITH ended AS (SELECT test_case_id FROM test_runs WHERE id = $1 AND quarantined),
left_it AS (DELETE FROM quarantine q USING ended e WHERE q.test_case_id = e.test_case_id AND $2 AND q.passed + 1 >= q.needed)
UPDATE quarantine q SET runs = runs + 1, failed = failed + CASE WHEN $3 THEN 1 ELSE 0 END,
       passed = CASE WHEN $2 THEN passed + 1 WHEN $3 THEN 0 ELSE passed END
FROM ended e WHERE q.test_case_id = e.test_case_id AND NOT ($2 AND q.passed + 1 >= q.needed);
