-- Reads runs with their live step counts. $1 ids, or NULL for the newest; $2 limit.
SELECT r.id, r.test_case_id, r.title, coalesce(r.user_id, ''), r.status, r.config::text, r.attempt, r.max_attempts, r.flaky,
       r.total_steps,
       CASE WHEN r.finished_at IS NULL THEN coalesce(s.completed, 0) ELSE r.completed_steps END,
       CASE WHEN r.finished_at IS NULL THEN coalesce(s.failed, 0) ELSE r.failed_steps END,
       CASE WHEN r.finished_at IS NULL THEN coalesce(s.adapted, 0) ELSE r.adapted_steps END,
       r.duration_ms, coalesce(r.error, ''), r.workflow_id, coalesce(r.workflow_run_id, ''),
       r.created_at, r.started_at, r.finished_at, coalesce(r.job_id, r.id),
       coalesce(r.suite_run_id, ''), coalesce(r.failure_class, ''), r.quarantined
FROM test_runs r
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE status IN ('success', 'adapted')) AS completed,
           count(*) FILTER (WHERE status = 'failed') AS failed,
           count(*) FILTER (WHERE status = 'adapted') AS adapted
    FROM test_steps WHERE run_id = r.id AND attempt = r.attempt
) s ON r.finished_at IS NULL
WHERE $1::text[] IS NULL OR r.id = ANY ($1::text[])
ORDER BY r.created_at DESC, r.id
LIMIT $2;
