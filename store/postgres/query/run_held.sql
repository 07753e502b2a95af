-- Lists held runs, those held last first. $1 only those held for this, or NULL; $2 limit.
SELECT id, test_case_id, title, status, held_at, coalesce(held_as, '') FROM test_runs
WHERE held_at IS NOT NULL AND ($1::text IS NULL OR held_as = $1)
ORDER BY held_at DESC, id LIMIT $2;
