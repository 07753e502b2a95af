-- Notes that files are gone, and why. $1 ids, $2 note.
UPDATE artifacts SET path = '', note = $2 WHERE id = ANY ($1::uuid[]);
