-- Takes a case out of quarantine. $1 case.
DELETE FROM quarantine WHERE test_case_id = $1;
