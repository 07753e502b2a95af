-- Finds the run of an earlier request. $1 key.
SELECT id, coalesce(request_hash, '') FROM test_runs WHERE idempotency_key = $1;
