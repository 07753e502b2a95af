-- Takes a case out of quarantine. $1 case, $2 now.
UPDATE quarantine SET left_at = $2 WHERE test_case_id = $1 AND left_at IS NULL;
