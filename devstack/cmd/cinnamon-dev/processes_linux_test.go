package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// processesOf lists the processes that work in a folder, or were told about it in their command line or environment.
func processesOf(t *testing.T, folder string) []string {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	var found []string
	for _, process := range folders {
		dir, _ := os.Readlink(filepath.Join(process, "cwd"))
		command, _ := os.ReadFile(filepath.Join(process, "cmdline"))
		environment, _ := os.ReadFile(filepath.Join(process, "environ"))
		knows := bytes.Contains(command, []byte(folder)) || bytes.Contains(environment, []byte(folder))
		if len(command) > 0 && (knows || strings.HasPrefix(dir, folder)) {
			found = append(found, filepath.Base(process)+": "+string(bytes.ReplaceAll(command, []byte{0}, []byte{' '})))
		}
	}
	return found
}
