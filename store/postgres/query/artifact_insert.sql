-- Records a stored file. $1 id, $2 run id, $3 attempt, $4 step, $5 kind, $6 content type, $7 bytes, $8 sha256, $9 path.
INSERT INTO artifacts (id, run_id, attempt, step_number, kind, content_type, bytes, sha256, path)
VALUES ($1::uuid, $2, $3, $4, $5, $6, $7, $8, $9);
