-- Reads a test case. $1 id.
SELECT id, title, definition::text, created_at, updated_at FROM test_cases WHERE id = $1;
