-- Counts what heals taught. Of the filter, NULL means any. $1 case, $2 environment, $3 status.
SELECT count(*) FROM learned_locators
WHERE ($1::text IS NULL OR test_case_id = $1) AND ($2::text IS NULL OR environment = $2) AND ($3::text IS NULL OR status = $3);
