-- Puts a case in quarantine. What it has done there stays if it is in already; learning leaves that alone ($6).
-- $1 case, $2 reason, $3 by, $4 now, $5 passes that it takes to leave, $6 whether to change what is there. Returns whether it came in.
WITH was AS (SELECT left_at IS NULL AS inside FROM quarantine WHERE test_case_id = $1)
INSERT INTO quarantine AS q (test_case_id, reason, put_by, since, needed) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (test_case_id) DO UPDATE SET
    reason = $2, put_by = $3, needed = $5, left_at = NULL,
    since = CASE WHEN q.left_at IS NULL THEN q.since ELSE $4 END,
    passed = CASE WHEN q.left_at IS NULL THEN q.passed ELSE 0 END,
    runs = CASE WHEN q.left_at IS NULL THEN q.runs ELSE 0 END,
    failed = CASE WHEN q.left_at IS NULL THEN q.failed ELSE 0 END
WHERE $6 OR q.left_at IS NOT NULL
RETURNING NOT coalesce((SELECT inside FROM was), false);
