-- Lists what heals taught of such cases. $1 since then, $2 limit.
SELECT x.ctid FROM learned_locators x WHERE x.updated_at < $1::timestamptz AND /*unused*/ LIMIT $2
