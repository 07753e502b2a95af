-- Says when a case left quarantine; NULL: it is in it. $1 case.
SELECT left_at FROM quarantine WHERE test_case_id = $1;
