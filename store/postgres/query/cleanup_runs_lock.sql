-- Locks those of some runs that may still go: nobody holds them or runs them again meanwhile. $1 ids.
SELECT r.id FROM test_runs r WHERE r.id = ANY ($1::text[]) AND r.finished_at IS NOT NULL AND NOT /*held*/ FOR UPDATE;
