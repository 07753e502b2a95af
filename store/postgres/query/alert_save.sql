-- Keeps an alert. $1 rule, $2 subject, $3 state, $4 since, $5 notified at, $6 detail.
INSERT INTO alerts (rule, subject, state, since, notified_at, detail) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (rule, subject) DO UPDATE SET state = excluded.state, since = excluded.since, notified_at = excluded.notified_at, detail = excluded.detail;
