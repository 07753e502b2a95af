-- Reads by which locators the elements of steps could be found, version by version. $1 case, $2 environment, $3 limit.
SELECT step_number, step_hash, version, created_at, locators::text FROM fingerprints
WHERE test_case_id = $1 AND environment = $2 ORDER BY step_number, step_hash, version LIMIT $3;
