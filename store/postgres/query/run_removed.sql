-- Ends a run whose job was removed. $1 run id, $2 reason, $3 now.
UPDATE test_runs SET status = 'cancelled', error = $2, failure_class = NULL, finished_at = $3 WHERE id = $1 AND finished_at IS NULL;
