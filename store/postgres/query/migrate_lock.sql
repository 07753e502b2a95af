-- Lets one process at a time migrate; released with the transaction, so it works through a pooler.
SELECT pg_try_advisory_xact_lock(hashtextextended('cinnamon-migrate', 0));
