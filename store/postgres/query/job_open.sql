-- Reads a queue's open jobs in the order of their creation. $1 queue, $2 limit, $3 created after, $4 id after.
SELECT record::text FROM jobs
WHERE queue = $1 AND finished_at IS NULL AND (created_at, id) > ($3::timestamptz, $4::text)
ORDER BY created_at, id LIMIT $2;
