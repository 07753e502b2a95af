-- Writes a job's new state. $1 queue, $2 id, $3 state, $4 attempts started, $5 seq, $6 record, $7 finished at, $8 due at,
-- $9 for how many ms it may wait for a worker (0: for ever): counted from when it is due, else from when it began to wait.
UPDATE jobs SET state = $3, attempts_started = $4, seq = $5, record = $6::text::json, finished_at = $7,
       since = CASE WHEN state = $3 AND attempts_started = $4 THEN since ELSE clock_timestamp() END,
       expires_at = CASE
           WHEN $9::bigint = 0 OR $3 NOT IN ('waiting', 'delayed') THEN NULL
           WHEN $3 = 'delayed' THEN $8::timestamptz + $9 * interval '1 millisecond'
           WHEN state = $3 AND attempts_started = $4 THEN expires_at
           ELSE clock_timestamp() + $9 * interval '1 millisecond' END
WHERE queue = $1 AND id = $2;
