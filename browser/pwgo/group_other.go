//go:build !unix

package pwgo

import "os"

// groupOf knows of no groups.
func groupOf(int) int { return 0 }

// killGroup kills the leader of a browser's processes; the others end with it.
func (v *vitals) killGroup() {
	if process, err := os.FindProcess(v.leader); err == nil && v.leader != 0 {
		_ = process.Kill()
	}
}
