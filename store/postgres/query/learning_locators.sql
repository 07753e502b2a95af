-- Reads what heals taught of a case, the newest first, and who decided about it last. $1 case, $2 environment, $3 who learning is, $4 limit.
SELECT l.id, l.step_number, l.step_hash, l.selectors::text, l.status, coalesce(l.adaptation_id::text, ''), coalesce(d.decided_at, l.created_at),
       d.decided_at IS NOT NULL, coalesce(d.decided_by <> $3, false)
FROM learned_locators l LEFT JOIN LATERAL (
    SELECT decided_at, decided_by FROM locator_decisions WHERE locator_id = l.id ORDER BY id DESC LIMIT 1) d ON true
WHERE l.test_case_id = $1 AND l.environment = $2 ORDER BY l.id DESC LIMIT $4;
