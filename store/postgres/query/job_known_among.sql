-- Reads which of these runs, or jobs without one, have a record. $1 queue, $2 ids.
SELECT run_id FROM jobs WHERE queue = $1 AND run_id = ANY ($2::text[])
UNION
SELECT id FROM test_runs WHERE id = ANY ($2::text[]);
