-- Lists test cases by id, without their definitions. $1 limit, $2 the id to continue after.
SELECT id, title, created_at, updated_at FROM test_cases WHERE id > $2 ORDER BY id LIMIT $1;
