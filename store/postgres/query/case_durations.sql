-- Reads how long the newest passing runs of cases took, on average, in ms. $1 case ids.
SELECT c.id, avg(r.duration_ms)::bigint
FROM unnest($1::text[]) AS c (id)
CROSS JOIN LATERAL (
    SELECT duration_ms FROM test_runs
    WHERE test_case_id = c.id AND status IN ('completed', 'adapted')
    ORDER BY created_at DESC LIMIT 5
) r
GROUP BY c.id;
