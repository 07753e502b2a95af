-- A condition, not a query: whether a run r that is not held goes by its age, or by the number of runs.
-- $1 it ended before then, $2 or before then if it failed or adapted, $3 or before then in any case. NULL: none goes.
-- The last two are no NOT EXISTS: of one, Postgres makes a join with all runs, where a few are asked for.
(r.finished_at IS NOT NULL
 AND coalesce(r.finished_at < CASE WHEN r.status IN ('failed', 'adapted') THEN $2::timestamptz ELSE $1::timestamptz END
              OR r.finished_at < $3::timestamptz, r.finished_at < $3::timestamptz, false)
 AND (SELECT true FROM suite_runs open_suite WHERE open_suite.id = r.suite_run_id AND open_suite.finished_at IS NULL LIMIT 1) IS NULL
 AND (SELECT true FROM jobs open_job WHERE open_job.run_id = r.id AND open_job.finished_at IS NULL LIMIT 1) IS NULL)
