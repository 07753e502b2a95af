//go:build unix

package pwgo

import "syscall"

// groupOf returns the group of a process that is a browser's; 0 if it is this
// program's own. Playwright gives each browser one.
func groupOf(pid int) int {
	group, err := syscall.Getpgid(pid)
	if err != nil || group == syscall.Getpgrp() {
		return 0
	}
	return group
}

// killGroup kills all processes of a browser.
func (v *vitals) killGroup() {
	switch {
	case v.group > 1:
		_ = syscall.Kill(-v.group, syscall.SIGKILL)
	case v.leader > 1:
		_ = syscall.Kill(v.leader, syscall.SIGKILL)
	}
}
