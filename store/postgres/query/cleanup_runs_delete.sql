-- Deletes runs with their steps, files' records and dead letters. $1 ids.
DELETE FROM test_runs WHERE id = ANY ($1::text[]);
