-- Keeps a job scheduler. $1 queue, $2 id, $3 fields, $4 the time of its newest job.
INSERT INTO job_schedulers (queue, id, fields, next_at) VALUES ($1, $2, $3::text::json, $4)
ON CONFLICT (queue, id) DO UPDATE SET fields = excluded.fields, next_at = excluded.next_at, updated_at = now();
