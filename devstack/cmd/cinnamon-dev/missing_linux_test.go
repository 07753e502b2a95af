package main_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/devstack/stack"
)

func TestUpNamesAMissingDriver(t *testing.T) {
	t.Parallel()
	p := run(t, []string{"PLAYWRIGHT_DRIVER_PATH=" + t.TempDir()}, "up", "--ephemeral")
	require.Equal(t, 3, p.exitCode())
	require.Contains(t, p.stderr.String(), "is not installed")
	require.Contains(t, p.stderr.String(), "run cinnamon browser install")
	requireNothingLeft(t, p, stack.Endpoints{})
}

// On Linux, Redis is looked for on the PATH alone.
func TestUpNamesAMissingProgram(t *testing.T) {
	t.Parallel()
	p := run(t, []string{"PATH=" + t.TempDir()}, "up", "--ephemeral")
	require.Equal(t, 3, p.exitCode())
	p.requireOneLine(t, "redis-server", "not installed")
	requireNothingLeft(t, p, stack.Endpoints{})
}
