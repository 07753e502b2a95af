-- Creates a job. $1 queue, $2 id, $3 state, $4 seq, $5 record, $6 created at.
INSERT INTO jobs (queue, id, state, seq, record, created_at) VALUES ($1, $2, $3, $4, $5::text::json, $6);
