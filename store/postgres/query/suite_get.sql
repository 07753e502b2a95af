-- Reads a suite. $1 id.
SELECT id, title, definition::text, created_at, updated_at FROM test_suites WHERE id = $1;
