-- Lets one relay at a time work on a queue; released with the transaction, so it works through a pooler. $1 queue.
SELECT pg_try_advisory_xact_lock(hashtextextended('cinnamon-relay:' || $1, 0));
