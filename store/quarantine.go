package store

import "time"

// QuarantinePasses is how many passes in a row it takes to leave quarantine, unless somebody says otherwise.
const QuarantinePasses = 10

// Quarantined is a case in quarantine: it runs on, and its failures fail no suite.
type Quarantined struct {
	TestCaseID string
	Title      string // of a stored case
	Reason     string
	// By is a person's name, or ByLearning.
	By    string
	Since time.Time
	// Needed is how many passes in a row it takes to leave, and Passed how many there are.
	Needed, Passed int
	// Runs ended since it is there, and Failed of them failed, or passed only when tried again.
	Runs, Failed int
}
