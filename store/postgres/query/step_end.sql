-- Records a step's end and begins the next one, if the attempt still owns the job. The lock makes a claim in progress be
-- waited for: without it, both could think that they own the steps.
-- $1 run id, $2 attempt, $3 number, $4 status, $5 duration ms, $6 error, $7 screenshot, $8 now, $9 queue, $10 next begins,
-- $11 when it began, NULL if it is known, $12 the page it failed on.
UPDATE test_steps SET
    status = CASE WHEN number = $3 THEN $4 ELSE 'running' END,
    duration_ms = CASE WHEN number = $3 THEN $5::bigint END,
    error = CASE WHEN number = $3 THEN $6 END,
    screenshot_id = CASE WHEN number = $3 THEN $7::uuid END,
    page = CASE WHEN number = $3 THEN $12 END,
    started_at = CASE WHEN number = $3 THEN coalesce($11::timestamptz, started_at) ELSE $8 END
WHERE run_id = $1 AND attempt = $2 AND (number = $3 OR (number = $3 + 1 AND $10))
  AND EXISTS (SELECT 1 FROM jobs WHERE queue = $9 AND run_id = $1 AND state = 'active' AND attempts_started = $2 FOR SHARE);
