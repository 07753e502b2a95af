-- Records a stored file, if the attempt still owns the job, which stays locked until the transaction ends.
-- $1 id, $2 run id, $3 attempt, $4 step (0: none), $5 kind, $6 content type, $7 bytes, $8 sha256, $9 path, $10 queue, $11 note.
INSERT INTO artifacts (id, run_id, attempt, step_number, kind, content_type, bytes, sha256, path, note)
SELECT $1::uuid, $2::text, $3::int, nullif($4::int, 0), $5::text, $6::text, $7::bigint, $8::text, $9::text, $11::text
FROM jobs WHERE queue = $10 AND run_id = $2 AND state = 'active' AND attempts_started = $3 FOR SHARE
ON CONFLICT (id) DO UPDATE SET path = excluded.path; -- written again: its answer was lost
