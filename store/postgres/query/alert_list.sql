-- Reads what is wrong now or was a moment ago.
SELECT rule, subject, state, since, notified_at, detail FROM alerts ORDER BY rule, subject;
