-- Lists old changes of queues that are no more: nobody relays them. $1 before then, $2 limit, $3 the queues that there are.
SELECT ctid FROM outbox WHERE created_at < $1::timestamptz AND queue <> ALL ($3::text[]) LIMIT $2
