-- Writes a job's new state. $1 queue, $2 id, $3 state, $4 attempts started, $5 seq, $6 record, $7 finished at.
UPDATE jobs SET state = $3, attempts_started = $4, seq = $5, record = $6::text::json, finished_at = $7,
       since = CASE WHEN state = $3 AND attempts_started = $4 THEN since ELSE clock_timestamp() END
WHERE queue = $1 AND id = $2;
