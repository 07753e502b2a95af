-- Lists stale dead letters of runs that stay. $1 to $3 as of goes, $4 before then, $5 limit.
SELECT l.ctid FROM dead_letters l JOIN test_runs r ON r.id = l.run_id
WHERE l.died_at < $4::timestamptz AND NOT /*held*/ AND NOT /*goes*/ LIMIT $5
