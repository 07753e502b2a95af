package pwgo

import "slices"

// ExecutorNames lists the actions that have an executor.
func ExecutorNames() []string {
	var names []string
	for name := range executors() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
