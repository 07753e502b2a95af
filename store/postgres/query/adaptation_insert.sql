-- Records how an attempt found an element again, or why not.
-- $1 id, $2 run, $3 attempt, $4 step number, $5 case, $6 environment, $7 step hash, $8 type, $9 successful, $10 reason, $11 evidence, $12 now.
INSERT INTO adaptations (id, run_id, attempt, step_number, test_case_id, environment, step_hash, type, successful, reason, evidence, created_at)
VALUES ($1::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::json, $12) ON CONFLICT DO NOTHING; -- written again: its answer was lost
