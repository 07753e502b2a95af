-- Writes the dead letter of a job that failed for good. $1 queue, $2 run id, $3 job id, $4 class, $5 reason, $6 attempts made,
-- $7 died at, $8 the job's record.
INSERT INTO dead_letters (queue, run_id, job_id, test_case_id, class, reason, attempts, died_at, record)
SELECT $1::text, r.id, $3::text, r.test_case_id, $4::text, $5::text, $6::int, $7::timestamptz, $8::text::json
FROM test_runs r WHERE r.id = $2
ON CONFLICT (queue, run_id) DO NOTHING;
