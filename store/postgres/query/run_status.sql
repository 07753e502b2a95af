-- Reads a run's status. $1 run id.
SELECT status FROM test_runs WHERE id = $1;
