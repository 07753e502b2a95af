-- Saves a test case under its id. $1 id, $2 title, $3 definition. Returns whether it is new.
INSERT INTO test_cases (id, title, definition) VALUES ($1, $2, $3::text::json)
ON CONFLICT (id) DO UPDATE SET title = excluded.title, definition = excluded.definition, updated_at = now()
RETURNING created_at = updated_at;
