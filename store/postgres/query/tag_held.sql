-- Lists held tags, those held last first, with how many runs there are of each.
SELECT t.tag, t.held_at, coalesce(t.held_as, ''), (SELECT count(*) FROM test_runs r WHERE r.config::jsonb -> 'tags' ? t.tag)
FROM held_tags t ORDER BY t.held_at DESC, t.tag;
