-- Lists of which steps of a case it is known how their elements look, and since when. $1 case, $2 environment.
SELECT step_number, step_hash, max(captured_at) FROM fingerprints
WHERE test_case_id = $1 AND environment = $2 GROUP BY step_number, step_hash;
