-- Deletes a run that has not begun. $1 run id.
DELETE FROM test_runs WHERE id = $1 AND started_at IS NULL AND finished_at IS NULL;
