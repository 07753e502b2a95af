-- Records what another consumer of the queue does with a run. $1 run id, $2 status, $3 attempt, $4 started at, $5 error.
UPDATE test_runs SET status = $2, attempt = greatest(attempt, $3), started_at = coalesce(started_at, $4), error = $5
WHERE id = $1;
