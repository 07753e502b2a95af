-- Reads suite runs with the counts of their runs, the newest first. $1 id or NULL, $2 suite or NULL,
-- $3 title or NULL, of those whose cases came with the request, $4 limit. Settings and defaults come with the one of an id alone.
SELECT s.id, coalesce(s.suite_id, ''), s.title, coalesce(s.user_id, ''), s.status, s.parallel, s.fail_fast, coalesce(s.error, ''),
       s.workflow_id, coalesce(s.workflow_run_id, ''), s.created_at, c.started_at, s.finished_at,
       c.total, c.pending, c.running, c.completed, c.adapted, c.failed, c.cancelled, c.flaky, c.quarantined,
       CASE WHEN $1::text IS NULL THEN '' ELSE coalesce(s.settings::text, '') END,
       CASE WHEN $1::text IS NULL THEN '' ELSE coalesce(s.defaults::text, '') END
FROM suite_runs s
CROSS JOIN LATERAL (
    SELECT count(*) AS total, min(started_at) AS started_at,
           count(*) FILTER (WHERE status = 'pending') AS pending,
           count(*) FILTER (WHERE status = 'running') AS running,
           count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE status = 'adapted') AS adapted,
           count(*) FILTER (WHERE status = 'failed') AS failed,
           count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE flaky) AS flaky,
           count(*) FILTER (WHERE status = 'failed' AND quarantined) AS quarantined
    FROM test_runs WHERE suite_run_id = s.id
) c
WHERE ($1::text IS NULL OR s.id = $1) AND ($2::text IS NULL OR s.suite_id = $2)
  AND ($3::text IS NULL OR (s.title = $3 AND s.suite_id IS NULL))
ORDER BY s.created_at DESC, s.id
LIMIT $4;
