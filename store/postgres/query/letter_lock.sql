-- Reads the job of a dead letter and locks the letter until the transaction ends. $1 queue, $2 run id.
SELECT record::text FROM dead_letters WHERE queue = $1 AND run_id = $2 FOR UPDATE;
