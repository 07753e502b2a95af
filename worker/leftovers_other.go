//go:build !linux

package worker

import "github.com/cinnamon-qa/cinnamon/internal/fault"

// listProcesses needs /proc: without it nothing tells the folders of workers that live from those of others.
func listProcesses() (map[int]process, error) {
	return nil, fault.New(fault.Unavailable, "what workers that have died left behind is found on Linux only")
}

func kill(int) error { return nil }
