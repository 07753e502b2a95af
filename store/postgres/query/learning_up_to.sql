-- Says up to when all cases were learned of. $1 name.
SELECT up_to FROM learning_progress WHERE name = $1;
