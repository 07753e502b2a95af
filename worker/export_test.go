package worker

import "github.com/cinnamon-qa/cinnamon/cleanup"

// NewLeftovers looks for leftovers in a folder of a test's own.
func NewLeftovers(dir string) cleanup.Place {
	l := newLeftovers()
	l.dir = dir
	return l
}
