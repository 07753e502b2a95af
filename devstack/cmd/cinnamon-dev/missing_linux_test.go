package main_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/devstack/stack"
)

// On Linux, Redis is looked for on the PATH alone.
func TestUpNamesAMissingProgram(t *testing.T) {
	t.Parallel()
	p := run(t, []string{"PATH=" + t.TempDir()}, "up", "--ephemeral")
	require.Equal(t, 3, p.exitCode())
	p.requireOneLine(t, "redis-server", "not installed")
	requireNothingLeft(t, p, stack.Endpoints{})
}
