-- Reads the newest runs of a case whose verdict says something of it. $1 case, $2 environment, $3 classes that say nothing, $4 limit.
SELECT id, coalesce(case_version, ''), status <> 'failed', flaky, attempt, coalesce(started_at, created_at), finished_at FROM test_runs
WHERE test_case_id = $1 AND environment = $2 AND finished_at IS NOT NULL
  AND (status IN ('completed', 'adapted') OR status = 'failed' AND coalesce(failure_class, '') <> ALL ($3::text[]))
ORDER BY created_at DESC, id LIMIT $4;
