-- Reads which of these paths have a record. $1 paths.
SELECT path FROM artifacts WHERE path = ANY ($1::text[]) AND path <> '';
