-- Reads a run's configuration. $1 run id.
SELECT config::text FROM test_runs WHERE id = $1;
