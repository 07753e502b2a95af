-- Sets a change aside. $1 id, $2 reason.
WITH gone AS (DELETE FROM outbox WHERE id = $1 RETURNING id, queue, job_id, seq, change)
INSERT INTO outbox_rejected (id, queue, job_id, seq, change, reason)
SELECT id, queue, job_id, seq, change, $2 FROM gone;
