-- Reads those test cases that there are. $1 ids.
SELECT id, title, definition::text, created_at, updated_at FROM test_cases WHERE id = ANY($1);
