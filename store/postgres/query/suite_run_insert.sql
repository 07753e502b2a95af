-- Creates a suite run unless its idempotency key is taken.
-- $1 id, $2 suite, $3 title, $4 user, $5 parallel, $6 fail fast, $7 workflow id, $8 workflow input, $9 idempotency key,
-- $10 request hash, $11 now, $12 settings, $13 defaults.
INSERT INTO suite_runs (id, suite_id, title, user_id, status, parallel, fail_fast, workflow_id, workflow_input,
                        idempotency_key, request_hash, created_at, settings, defaults)
VALUES ($1, $2, $3, $4, 'running', $5, $6, $7, $8::text::json, $9, $10, $11, $12::text::json, $13::text::json)
ON CONFLICT DO NOTHING;
