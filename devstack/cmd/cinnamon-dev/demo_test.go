package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/devstack/stack"
)

// suite writes a folder of cases with one against the shop.
func suite(t *testing.T, steps string) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "shop"), 0o700))
	content := `{"title": "The shop opens", "steps": [{"type": "navigate", "url": "/"}, ` + steps + `]}`
	require.NoError(t, os.WriteFile(filepath.Join(folder, "shop", "opens.json"), []byte(content), 0o600))
	return folder
}

func TestDemoReportsItsSuite(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step string
		code int
		want string
	}{
		"that passes": {`{"type": "waitForElement", "selectors": ["body"]}`, 0, "1 passed"},
		"that fails":  {`{"type": "waitForElement", "selectors": ["#no-such-thing"], "timeout": 200}`, 1, "1 failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := run(t, []string{"QUEUE_MAX_ATTEMPTS=1"}, "demo", "--cases", suite(t, c.step))
			require.Equal(t, c.code, p.exitCode())
			require.Contains(t, p.stdout.String(), c.want)
			requireNothingLeft(t, p, stack.Endpoints{})
		})
	}
}
