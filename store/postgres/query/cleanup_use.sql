-- Counts what clean-ups have budgets for: runs that have ended, and the bytes of files.
SELECT (SELECT count(*) FROM test_runs WHERE finished_at IS NOT NULL),
       (SELECT coalesce(sum(bytes), 0)::bigint FROM artifacts WHERE path <> '');
