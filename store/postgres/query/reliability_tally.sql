-- Counts cases and environments by how reliable and how flaky they are. $1 limits of reliability.
SELECT coalesce((SELECT max(l) FROM unnest($1::float8[]) l WHERE l <= reliability), 0), count(*) FROM case_reliability GROUP BY 1 ORDER BY 1;
