-- Records a stored file, if the attempt still owns the job, which stays locked until the transaction ends.
-- $1 id, $2 run id, $3 attempt, $4 step, $5 kind, $6 content type, $7 bytes, $8 sha256, $9 path, $10 queue.
INSERT INTO artifacts (id, run_id, attempt, step_number, kind, content_type, bytes, sha256, path)
SELECT $1::uuid, $2::text, $3::int, $4::int, $5::text, $6::text, $7::bigint, $8::text, $9::text
FROM jobs WHERE queue = $10 AND run_id = $2 AND state = 'active' AND attempts_started = $3 FOR SHARE
ON CONFLICT (id) DO NOTHING;
