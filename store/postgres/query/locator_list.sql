-- Lists what heals taught, the newest first, each with its heal, if that is still there, and its newest decision. Of the filter, NULL means any.
-- $1 locator, $2 case, $3 environment, $4 status, $5 only older ones than this id, $6 limit.
SELECT l.id, l.test_case_id, l.environment, l.step_number, l.step_hash, l.selectors::text, l.status, l.passed, l.created_at, l.updated_at,
       coalesce(a.id::text, ''), coalesce(a.run_id, ''), coalesce(a.attempt, 0), coalesce(a.type, ''), coalesce(a.successful, false), coalesce(a.reason, ''),
       coalesce(a.evidence::text, '{}'), a.created_at,
       coalesce(d.id, 0), coalesce(d.from_status, ''), coalesce(d.to_status, ''), coalesce(d.decided_by, ''), coalesce(d.reason, ''), coalesce(d.undoes, 0), d.decided_at
FROM learned_locators l
LEFT JOIN adaptations a ON a.id = l.adaptation_id
LEFT JOIN LATERAL (SELECT * FROM locator_decisions WHERE locator_id = l.id ORDER BY id DESC LIMIT 1) d ON true
WHERE ($1::bigint IS NULL OR l.id = $1) AND ($2::text IS NULL OR l.test_case_id = $2) AND ($3::text IS NULL OR l.environment = $3)
  AND ($4::text IS NULL OR l.status = $4) AND ($5::bigint IS NULL OR l.id < $5)
ORDER BY l.id DESC LIMIT $6;
