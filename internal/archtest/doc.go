// Package archtest holds the rules of the repository as tests: who may import what, one doc comment per package, files
// short enough to read, and no registry's host name in any file. It has no code of its own and imports nothing of ours;
// its tests ask `go list`, so they need the go command and no service.
package archtest
