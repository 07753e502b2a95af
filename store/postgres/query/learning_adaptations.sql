-- Reads how the last attempts of runs found elements again, or why not, the newest runs first. The evidence may have texts of pages that
-- Postgres can't take apart. $1 runs, $2 their last attempts, $3 limit.
SELECT a.run_id, a.id::text, a.step_number, a.step_hash, a.type, a.successful, a.evidence::text
FROM unnest($1::text[], $2::int[]) WITH ORDINALITY AS r (id, attempt, place) JOIN adaptations a ON a.run_id = r.id AND a.attempt = r.attempt
ORDER BY r.place, a.step_number, a.created_at, a.id LIMIT $3;
