-- Forgets an alert. $1 rule, $2 subject.
DELETE FROM alerts WHERE rule = $1 AND subject = $2;
