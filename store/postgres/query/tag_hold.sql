-- Holds all runs with a tag. $1 tag, $2 since when, if it is not held yet, $3 what for.
INSERT INTO held_tags AS t (tag, held_at, held_as) VALUES ($1, $2, $3) ON CONFLICT (tag) DO UPDATE SET held_as = excluded.held_as;
