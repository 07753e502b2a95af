-- Reads when the last of so many of the newest runs ended. $1 how many, from 0.
SELECT finished_at FROM test_runs WHERE finished_at IS NOT NULL ORDER BY finished_at DESC OFFSET $1 LIMIT 1;
