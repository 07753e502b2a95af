-- Keeps what a heal in a run that passed taught, or counts the run. What people rejected stays rejected.
-- $1 case, $2 environment, $3 step number, $4 step hash, $5 selectors, $6 digest, $7 adaptation, $8 now.
INSERT INTO learned_locators (test_case_id, environment, step_number, step_hash, selectors, digest, status, adaptation_id, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5::text::json, $6, 'proposed', $7::uuid, $8, $8)
ON CONFLICT (test_case_id, environment, step_number, step_hash, digest)
DO UPDATE SET passed = learned_locators.passed + 1, updated_at = $8 WHERE learned_locators.status <> 'rejected';
