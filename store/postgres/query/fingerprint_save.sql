-- Keeps how a step's element looked: as a new version, unless it looks as before.
-- $1 case, $2 environment, $3 step number, $4 step hash, $5 fingerprint, $6 locators, $7 page (NULL: not kept), $8 target,
-- $9 digest, $10 run, $11 now.
WITH newest AS (
    SELECT version, digest FROM fingerprints
    WHERE test_case_id = $1 AND environment = $2 AND step_number = $3 AND step_hash = $4 ORDER BY version DESC LIMIT 1
), same AS (
    UPDATE fingerprints f SET captured_at = $11 FROM newest n
    WHERE f.test_case_id = $1 AND f.environment = $2 AND f.step_number = $3 AND f.step_hash = $4 AND f.version = n.version AND n.digest = $9
    RETURNING 1
)
INSERT INTO fingerprints (test_case_id, environment, step_number, step_hash, version, fingerprint, locators, page, target, digest, run_id, created_at, captured_at)
SELECT $1, $2, $3::int, $4, coalesce((SELECT version FROM newest), 0) + 1, $5::text::json, $6::text::json, $7::bytea, $8::int, $9, $10, $11, $11
WHERE NOT EXISTS (SELECT 1 FROM same)
ON CONFLICT DO NOTHING; -- another run was faster
