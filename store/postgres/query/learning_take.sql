-- Takes a case off those to learn of. $1 case.
DELETE FROM learning_due WHERE test_case_id = $1;
