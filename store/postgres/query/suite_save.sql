-- Stores a suite and says whether it is new. $1 id, $2 title, $3 definition.
INSERT INTO test_suites (id, title, definition) VALUES ($1, $2, $3::text::json)
ON CONFLICT (id) DO UPDATE SET title = excluded.title, definition = excluded.definition, updated_at = now()
RETURNING created_at = updated_at;
