-- Lists what was learned of such cases. $1 since then, $2 limit.
SELECT x.ctid FROM adaptation_patterns x WHERE x.last_seen < $1::timestamptz AND /*unused*/ LIMIT $2
