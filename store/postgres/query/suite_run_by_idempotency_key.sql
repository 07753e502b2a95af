-- Finds the suite run of an earlier request. $1 idempotency key.
SELECT id, request_hash FROM suite_runs WHERE idempotency_key = $1;
