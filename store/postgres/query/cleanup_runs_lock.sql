-- Locks those of some runs that may still go: nobody holds them or runs them again meanwhile. $1 ids.
SELECT id FROM test_runs WHERE id = ANY ($1::text[]) AND finished_at IS NOT NULL AND held_at IS NULL FOR UPDATE;
