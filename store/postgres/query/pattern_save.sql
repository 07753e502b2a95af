-- Keeps a pattern, unless it is as it was. $1 kind, $2 case, $3 environment, $4 step, $5 signature, $6 count, $7 value, $8 low, $9 high,
-- $10 evidence, $11 first seen, $12 last seen.
INSERT INTO adaptation_patterns AS p (kind, test_case_id, environment, step_number, signature, count, value, low, high, evidence, first_seen, last_seen)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::json, $11, $12)
ON CONFLICT (test_case_id, environment, kind, step_number, signature) DO UPDATE
SET count = $6, value = $7, low = $8, high = $9, evidence = $10::text::json, first_seen = least(p.first_seen, $11), last_seen = $12
WHERE (p.count, p.value, p.low, p.high, p.evidence::text, p.last_seen) IS DISTINCT FROM ($6, $7, $8, $9, $10::text, $12) OR p.first_seen > $11;
