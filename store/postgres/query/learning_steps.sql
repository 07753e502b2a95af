-- Reads the steps of runs that passed in their last attempt, or failed in any, the newest runs first. $1 runs, $2 their last attempts, $3 limit.
SELECT s.run_id, s.attempt = r.attempt, s.number, coalesce(s.target, ''), s.status <> 'failed', coalesce(s.duration_ms, 0),
       left(coalesce(s.error, ''), 4000), coalesce(s.page, '')
FROM unnest($1::text[], $2::int[]) WITH ORDINALITY AS r (id, attempt, place) JOIN test_steps s ON s.run_id = r.id
WHERE s.status = 'failed' OR s.attempt = r.attempt AND s.status IN ('success', 'adapted')
ORDER BY r.place, s.attempt, s.number LIMIT $3;
