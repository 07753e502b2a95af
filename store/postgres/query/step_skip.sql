-- Closes the steps that an attempt did not get to. $1 run id, $2 attempts up to this one.
UPDATE test_steps SET status = 'skipped', started_at = NULL
WHERE run_id = $1 AND attempt <= $2 AND status IN ('pending', 'running');
