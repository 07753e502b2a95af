-- Lists old changes that were set aside. $1 before then, $2 limit.
SELECT ctid FROM outbox_rejected WHERE rejected_at < $1::timestamptz LIMIT $2
