//go:build linux || darwin

package health

import (
	"fmt"
	"path/filepath"
	"syscall"
)

// Space says how many bytes are free for ordinary users where a folder is, or will be.
func Space(folder string) (free, total uint64, err error) {
	var is syscall.Statfs_t
	for {
		err = syscall.Statfs(folder, &is)
		parent := filepath.Dir(folder)
		if err == nil || parent == folder {
			break
		}
		folder = parent
	}
	if err != nil {
		return 0, 0, fmt.Errorf("asking how much space there is in %s: %w", folder, err)
	}
	block := uint64(is.Bsize) //nolint:gosec // never negative; its type differs between systems
	return is.Bavail * block, is.Blocks * block, nil
}
