package store

import (
	"time"

	"github.com/cinnamon-qa/cinnamon/queue"
)

// Depth is how many open jobs of a queue are in a state. A delayed job whose time has come waits.
type Depth struct {
	Queue string
	State queue.State
	Jobs  int
	// Oldest is for how long the first of them has been there.
	Oldest time.Duration
}

// Backlog is what waits in the outbox of a queue, and what was set aside there.
type Backlog struct {
	Queue    string
	Rows     int
	Oldest   time.Duration
	SetAside int
}

// Figures are what operators watch.
type Figures struct {
	Depths   []Depth
	Backlogs []Backlog
}
