package pwgo

import (
	"fmt"
	"os"
)

// memory is what a process takes, in bytes: what it has for itself, and what
// it may share with others.
type memory struct{ own, shared int64 }

func memoryOf(pid int) (memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return memory{}, err
	}
	var size, resident, shared int64
	if _, err := fmt.Sscan(string(text), &size, &resident, &shared); err != nil {
		return memory{}, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	page := int64(os.Getpagesize())
	return memory{own: (resident - shared) * page, shared: shared * page}, nil
}
