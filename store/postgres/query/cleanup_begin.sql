-- Notes a clean-up. One that had ended begins anew; one whose worker died goes on.
-- $1 id, $2 dry run, $3 request, $4 policy, $5 now. Returns when it began.
INSERT INTO cleanups AS c (id, dry_run, request, policy, started_at) VALUES ($1, $2, $3::text::json, $4::text::json, $5)
ON CONFLICT (id) DO UPDATE SET
    dry_run = excluded.dry_run, request = excluded.request, policy = excluded.policy, report = NULL, finished_at = NULL,
    started_at = CASE WHEN c.finished_at IS NULL AND NOT c.dry_run THEN c.started_at ELSE excluded.started_at END
RETURNING started_at;
