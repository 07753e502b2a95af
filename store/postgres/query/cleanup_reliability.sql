-- Lists how such cases did. $1 since then, $2 limit.
SELECT x.ctid FROM case_reliability x WHERE x.newest_run_at < $1::timestamptz AND /*unused*/ LIMIT $2
