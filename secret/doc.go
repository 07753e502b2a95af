// Package secret gives the values of secrets that test cases name, and keeps
// them out of what people and machines read.
//
// A Resolver finds a value by its name when a step needs it, on the worker that
// runs the step. A Redactor knows the values that were given out and takes them
// out of texts. The package imports the standard library only; it does not read
// the environment itself.
package secret
