-- Creates a run unless its id or idempotency key is taken.
-- $1 id, $2 case id, $3 title, $4 definition, $5 user, $6 config, $7 priority, $8 max attempts, $9 total steps,
-- $10 workflow id, $11 workflow input, $12 idempotency key, $13 request hash, $14 now, $15 job id if it is another one,
-- $16 suite run and $17 its place there, if it belongs to one.
INSERT INTO test_runs (id, test_case_id, title, definition, user_id, status, config, priority, max_attempts, total_steps,
                       workflow_id, workflow_input, idempotency_key, request_hash, created_at, job_id, suite_run_id, suite_order, quarantined)
VALUES ($1, $2, $3, $4::text::json, $5, 'pending', $6::text::json, $7, $8, $9, $10, $11::text::json, $12, $13, $14, $15, $16, $17,
        EXISTS (SELECT 1 FROM quarantine WHERE test_case_id = $2 AND left_at IS NULL))
ON CONFLICT DO NOTHING;
