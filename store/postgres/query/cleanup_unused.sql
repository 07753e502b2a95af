-- A condition, not a query: whether nobody has run the case of x since $1, and no run of it is held.
NOT EXISTS (SELECT 1 FROM test_runs r WHERE r.test_case_id = x.test_case_id AND (r.created_at >= $1::timestamptz OR r.finished_at IS NULL OR /*held*/))
