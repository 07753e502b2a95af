// Package api is the HTTP endpoint: it submits, shows and cancels test runs and keeps test cases. Every answer is JSON;
// errors are application/problem+json (RFC 9457) and name the field that is wrong.
//
// It is the only package that imports gin. It submits through package starter and reads through small interfaces.
package api
