package main

// Execute runs one command line.
var Execute = execute
