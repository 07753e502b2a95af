-- Reads what a clean-up counted. $1 id.
SELECT kind, items, bytes FROM cleanup_counts WHERE cleanup_id = $1;
