-- Lists cases to learn of, the longest waiting first. $1 for how many ms they wait at least, $2 limit.
SELECT test_case_id FROM learning_due WHERE since <= clock_timestamp() - $1::bigint * interval '1 millisecond' ORDER BY since LIMIT $2;
