-- Counts the runs that would go if they were not held. $1 to $3 as of goes.
SELECT count(*) FROM test_runs r WHERE /*held*/ AND /*goes*/;
