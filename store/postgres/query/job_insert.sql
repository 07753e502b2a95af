-- Creates a job. $1 queue, $2 id, $3 run id, $4 state, $5 seq, $6 record, $7 created at.
INSERT INTO jobs (queue, id, run_id, state, seq, record, created_at) VALUES ($1, $2, $3, $4, $5, $6::text::json, $7);
