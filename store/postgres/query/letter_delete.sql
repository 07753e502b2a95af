-- Takes a job's dead letter away. $1 queue, $2 run id.
DELETE FROM dead_letters WHERE queue = $1 AND run_id = $2;
