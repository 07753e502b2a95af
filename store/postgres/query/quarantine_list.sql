-- Lists cases in quarantine by their ids. $1 the id, or NULL for all, $2 the id after which to begin, $3 limit.
SELECT q.test_case_id, coalesce(c.title, ''), q.reason, q.put_by, q.since, q.needed, q.passed, q.runs, q.failed
FROM quarantine q LEFT JOIN test_cases c ON c.id = q.test_case_id
WHERE q.left_at IS NULL AND ($1::text IS NULL OR q.test_case_id = $1) AND q.test_case_id > $2
ORDER BY q.test_case_id LIMIT $3;
