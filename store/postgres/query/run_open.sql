-- Counts the open runs of a user, or of nobody. $1 user or empty, $2 as many are enough.
SELECT count(*) FROM (SELECT 1 FROM test_runs WHERE coalesce(user_id, '') = $1 AND finished_at IS NULL LIMIT $2) AS open;
