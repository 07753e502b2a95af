-- Lists messages to targets that nobody delivers to any more: those that are tried for hours are given up before. $1 before then, $2 limit.
SELECT ctid FROM alert_deliveries WHERE created_at < $1::timestamptz LIMIT $2
