-- Lists what elements looked like in cases that nobody runs any more. $1 since then, $2 limit.
SELECT x.ctid FROM fingerprints x WHERE x.captured_at < $1::timestamptz AND /*unused*/ LIMIT $2
