-- Forgets the patterns of a case that are none any more. $1 case, $2 environment, $3 kinds, $4 steps and $5 signatures of those that are.
DELETE FROM adaptation_patterns p WHERE p.test_case_id = $1 AND p.environment = $2 AND NOT EXISTS (
    SELECT 1 FROM unnest($3::text[], $4::int[], $5::text[]) AS k (kind, step, signature)
    WHERE k.kind = p.kind AND k.step = p.step_number AND k.signature = p.signature);
