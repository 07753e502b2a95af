-- Lets one learn of a case and environment at a time, until the transaction ends. $1 both in one text.
SELECT pg_advisory_xact_lock(hashtextextended('cinnamon-learn ' || $1, 0));
