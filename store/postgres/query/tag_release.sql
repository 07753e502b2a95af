-- Releases the runs with a tag. $1 tag.
DELETE FROM held_tags WHERE tag = $1;
