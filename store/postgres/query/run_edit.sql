-- Gives a run another case or configuration. An inline case stays unless another one is named.
-- $1 run id, $2 case id, $3 config.
UPDATE test_runs SET config = $3::text::json, definition = CASE WHEN test_case_id = $2 THEN definition END, test_case_id = $2
WHERE id = $1;
