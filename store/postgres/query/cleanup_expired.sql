-- A condition, not a query: whether the file a of a run r is older than its kind is kept.
-- $4 kinds, $5 until when their runs ended, $6 and for those that failed or adapted.
(r.finished_at IS NOT NULL AND EXISTS (
    SELECT 1 FROM unnest($4::text[], $5::timestamptz[], $6::timestamptz[]) AS k (kind, before, before_longer)
    WHERE k.kind = a.kind AND r.finished_at < CASE WHEN r.status IN ('failed', 'adapted') THEN k.before_longer ELSE k.before END))
