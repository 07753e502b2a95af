-- Lists the reports of old clean-ups. $1 before then, $2 limit.
SELECT ctid FROM cleanups WHERE finished_at < $1::timestamptz LIMIT $2
