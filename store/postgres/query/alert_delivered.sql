-- Forgets a message. $1 id.
DELETE FROM alert_deliveries WHERE id = $1;
