-- Lists suites by id. $1 limit, $2 the id after which to begin.
SELECT id, title, definition::text, created_at, updated_at FROM test_suites WHERE id > $2 ORDER BY id LIMIT $1;
