-- Creates a job. $1 queue, $2 id, $3 run id, $4 state, $5 seq, $6 record, $7 created at, $8 due at, $9 for how many ms it may
-- wait for a worker (0: for ever).
INSERT INTO jobs (queue, id, run_id, state, seq, record, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6::text::json, $7,
        CASE WHEN $9::bigint > 0 AND $4 IN ('waiting', 'delayed')
             THEN coalesce($8::timestamptz, clock_timestamp()) + $9 * interval '1 millisecond' END);
