-- Records how an attempt, or the whole run, ended.
-- $1 run id, $2 status, $3 completed, $4 failed, $5 adapted, $6 total, $7 duration ms, $8 error, $9 result, $10 flaky,
-- $11 finished at (NULL: another attempt follows), $12 why it failed, $13 environment, $14 version of the case (NULL: as before).
UPDATE test_runs SET status = $2, completed_steps = $3, failed_steps = $4, adapted_steps = $5, total_steps = CASE WHEN $6 > 0 THEN $6 ELSE total_steps END,
       duration_ms = $7, error = $8, result = $9::text::json, flaky = $10, finished_at = $11, failure_class = $12,
       environment = coalesce($13, environment), case_version = coalesce($14, case_version)
WHERE id = $1;
