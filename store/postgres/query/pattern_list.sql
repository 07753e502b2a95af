-- Lists what was learned, what was seen last first. $1 case, $2 kind, both NULL for any; $3 limit.
SELECT id, kind, test_case_id, environment, step_number, signature, count, value, low, high, evidence::text, first_seen, last_seen
FROM adaptation_patterns WHERE ($1::text IS NULL OR test_case_id = $1) AND ($2::text IS NULL OR kind = $2)
ORDER BY last_seen DESC, id DESC LIMIT $3;
