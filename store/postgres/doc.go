// Package postgres keeps the product's records in Postgres, or in Supabase's. It is the only package that knows SQL:
// statements are in query/, migrations in migration/, both embedded.
//
// Every change of a job's state is one transaction that updates the job, the run and the outbox together. Behind a
// transaction pooler it uses neither prepared statements nor LISTEN; relays poll there.
//
// Tests start their own Postgres, and a pgbouncer in front of it (internal/testkit).
package postgres
