-- Has a message delivered again then. $1 id, $2 due at.
UPDATE alert_deliveries SET due_at = $2 WHERE id = $1;
