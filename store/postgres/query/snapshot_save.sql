-- Keeps what a page looked like. $1 case, $2 environment, $3 digest, $4 elements, $5 data.
INSERT INTO page_snapshots (test_case_id, environment, digest, elements, data) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING;
