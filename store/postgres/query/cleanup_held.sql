-- A condition, not a query: whether a run r is held, by itself or by one of its tags.
(r.held_at IS NOT NULL OR CASE WHEN (SELECT array_agg(tag) FROM held_tags) IS NULL THEN false
    ELSE coalesce(r.config::jsonb -> 'tags' ?| (SELECT array_agg(tag) FROM held_tags), false) END)
