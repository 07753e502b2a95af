-- Counts the end of a run for the quarantine that its case was in when it began: with the last pass that it takes, the case leaves.
-- $1 run, $2 whether it passed, $3 whether it failed and the test may be why; neither: it says nothing of the test, $4 now.
UPDATE quarantine q SET runs = q.runs + 1, failed = q.failed + CASE WHEN $3 THEN 1 ELSE 0 END,
       passed = CASE WHEN $2 THEN q.passed + 1 WHEN $3 THEN 0 ELSE q.passed END,
       left_at = CASE WHEN $2 AND q.passed + 1 >= q.needed THEN $4::timestamptz END
FROM test_runs r WHERE r.id = $1 AND r.quarantined AND q.test_case_id = r.test_case_id AND q.left_at IS NULL;
