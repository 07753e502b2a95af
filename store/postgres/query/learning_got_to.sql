-- Notes up to when all cases were learned of. $1 name, $2 up to.
INSERT INTO learning_progress AS p (name, up_to) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET up_to = greatest(p.up_to, $2);
