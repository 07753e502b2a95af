// Package browser is the port between this product and a browser: an Opener
// opens Sessions, a Session runs the steps of one attempt, and every failure
// is an *Error that says of what Kind it is.
//
// It imports testcase, healing's vocabulary, secret and the standard library only. Its implementation is
// the package pwgo.
package browser
