-- Reads how a step's element and its page looked last. $1 case, $2 environment, $3 step number, $4 step hash.
SELECT f.version, f.fingerprint, f.locators, coalesce(f.target, -1), f.captured_at, s.data
FROM fingerprints f LEFT JOIN page_snapshots s
    ON s.test_case_id = f.test_case_id AND s.environment = f.environment AND s.digest = f.page
WHERE f.test_case_id = $1 AND f.environment = $2 AND f.step_number = $3 AND f.step_hash = $4
ORDER BY f.version DESC LIMIT 1;
