// Package process starts the programs that the development stack and the tests are made of, and takes them down with it: it finds them on
// the machine, picks the user and the ports they run with, and stops them. It must not import the packages that use it.
package process
