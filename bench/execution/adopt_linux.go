package main

import (
	"fmt"
	"syscall"
)

// setChildSubreaper is an option of prctl.
const setChildSubreaper = 36

// adopt makes this program the parent of processes below it whose own parent ends: a browser ends before its helpers do,
// whose processor time would be nobody's otherwise.
func adopt() error {
	if _, _, err := syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0); err != 0 {
		return fmt.Errorf("adopting processes: %w", err)
	}
	return nil
}

// bury waits for a process that has ended: its processor time is that of this program's children from then on.
func bury(pid int) { _, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) }
