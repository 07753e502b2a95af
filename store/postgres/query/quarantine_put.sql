-- Puts a case in quarantine. What it has done there stays if it is in already; learning leaves that alone ($6).
-- $1 case, $2 reason, $3 by, $4 now, $5 passes that it takes to leave, $6 whether to change what is there. Returns whether it is new.
INSERT INTO quarantine AS q (test_case_id, reason, put_by, since, needed) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (test_case_id) DO UPDATE SET reason = $2, put_by = $3, needed = $5 WHERE $6
RETURNING xmax = 0;
