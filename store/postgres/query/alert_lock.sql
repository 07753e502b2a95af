-- Lets one process at a time judge: true if it is this one.
SELECT pg_try_advisory_xact_lock(7461902);
