// Package testcase is the vocabulary of browser tests: a Case is a list of
// Steps, read from the JSON that Chrome DevTools Recorder exports and that
// people write by hand.
//
// Parse checks everything that can be known without a browser and reports all
// problems at once, in words for the person who wrote the file. What Recorder
// cannot express (assertions on text, value, URL and title, uploads) is a
// "customStep" with a documented name, so that a file stays valid for other
// tools.
//
// The package imports the standard library only.
package testcase
