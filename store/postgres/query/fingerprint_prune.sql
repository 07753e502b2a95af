-- Forgets all but the newest versions of each step. $1 case, $2 environment, $3 versions to keep.
DELETE FROM fingerprints f USING (
    SELECT step_number, step_hash, max(version) AS newest FROM fingerprints
    WHERE test_case_id = $1 AND environment = $2 GROUP BY step_number, step_hash
) n
WHERE f.test_case_id = $1 AND f.environment = $2 AND f.step_number = n.step_number AND f.step_hash = n.step_hash
  AND f.version <= n.newest - $3::int;
