// Package pgserver runs a Postgres server that is installed on the machine, in a folder of its own, on the loopback
// interface, behind a password. It knows nothing of the product: tables are made by store/postgres.
package pgserver
