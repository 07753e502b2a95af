-- Appends a change for the relay. $1 queue, $2 job id, $3 seq, $4 change.
INSERT INTO outbox (queue, job_id, seq, change) VALUES ($1, $2, $3, $4::text::json);
