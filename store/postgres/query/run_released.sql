-- Marks a run as waiting for a worker again. $1 run id.
UPDATE test_runs SET status = 'pending' WHERE id = $1 AND status = 'running';
