-- Creates a job that carries out no test run, unless there is one of that id.
-- $1 queue, $2 id, $3 state, $4 seq, $5 record, $6 created at, $7 workflow input.
INSERT INTO jobs (queue, id, run_id, state, seq, record, created_at, workflow_input)
VALUES ($1, $2, $2, $3, $4, $5::text::json, $6, $7::text::json)
ON CONFLICT DO NOTHING;
