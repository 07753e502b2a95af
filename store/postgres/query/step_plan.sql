-- Writes an attempt's steps as pending, the first one as running, if it still is the run's newest.
-- $1 run id, $2 attempt, $3 actions, $4 descriptions, $5 now, $6 what they act on.
INSERT INTO test_steps (run_id, attempt, number, action, description, target, status, started_at)
SELECT $1::text, $2::int, s.number, s.action, s.description, nullif(s.target, ''),
       CASE WHEN s.number = 1 THEN 'running' ELSE 'pending' END, CASE WHEN s.number = 1 THEN $5::timestamptz END
FROM unnest($3::text[], $4::text[], $6::text[]) WITH ORDINALITY AS s (action, description, target, number)
WHERE EXISTS (SELECT 1 FROM test_runs WHERE id = $1 AND attempt = $2 AND status = 'running' FOR SHARE)
ON CONFLICT DO NOTHING;
