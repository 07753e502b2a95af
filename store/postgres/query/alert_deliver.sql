-- Adds a message for a target. $1 target, $2 message, $3 now.
INSERT INTO alert_deliveries (target, message, created_at, due_at) VALUES ($1, $2, $3, $3);
