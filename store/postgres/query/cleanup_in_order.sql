-- Has what is listed by age read in that order, a page at a time: Postgres, which can't know how many go, would rather read
-- all and sort them.
SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
