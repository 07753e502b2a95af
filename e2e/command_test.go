package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/testkit"
)

// command runs the product's program to its end.
func (s *stack) command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Getenv("CINNAMON_BIN"), args...)
	cmd.Env = append(os.Environ(), s.environment()...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); !ended {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestCommandLineEndsWithTheVerdict(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	folder := t.TempDir()
	failing := filepath.Join(folder, "failing.json")
	require.NoError(t, os.WriteFile(failing, []byte(failingCase), 0o600))
	broken := filepath.Join(folder, "broken.json")
	require.NoError(t, os.WriteFile(broken, []byte(`{"title": "x", "steps": [{"type": "click"}]}`), 0o600))
	login := filepath.Join("..", "examples", "cases", "shop", "login.json")

	t.Run("passed", func(t *testing.T) {
		t.Parallel()
		code, out, _ := s.command(t, "run", login, "--base-url", s.Shop)
		require.Zero(t, code, out)
		require.Contains(t, out, "1 passed")
	})
	t.Run("failed, as JSON", func(t *testing.T) {
		t.Parallel()
		code, out, progress := s.command(t, "run", failing, login, "--base-url", s.Shop, "--attempts", "1", "--output", "json")
		require.Equal(t, 1, code, progress)
		require.True(t, json.Valid([]byte(out)), out)
		require.Contains(t, out, "Unicorns")
	})
	t.Run("a suite that stops at its first failure", func(t *testing.T) {
		t.Parallel()
		suite := t.TempDir()
		names := []string{"a-fails.json", "b-waits.json", "c-waits.json", "d-waits.json"}
		for i, definition := range []string{failsSoon, slowCase, slowCase, slowCase} {
			require.NoError(t, os.WriteFile(filepath.Join(suite, names[i]), []byte(definition), 0o600))
		}
		code, out, progress := s.command(t, "run", suite, "--base-url", s.Shop, "--attempts", "1", "--parallel", "1", "--fail-fast", "--output", "json")
		require.Equal(t, 1, code, progress)
		require.Contains(t, out, "Not run: the suite stops at its first failure")
	})
	t.Run("a folder that is a suite, then only what failed of it, then stored", func(t *testing.T) {
		t.Parallel()
		id := "folder-" + uuid.NewString()[:8]
		folder := filepath.Join(t.TempDir(), id)
		require.NoError(t, os.Mkdir(folder, 0o700))
		for name, text := range map[string]string{
			"suite.json": `{"attempts": 1, "config": {"locale": "de-DE", "colorScheme": "dark", "viewport": {"width": 800, "height": 600}, "baseUrl": "` + s.Shop + `"}}`,
			"a.json":     fmt.Sprintf(speaks, "de-DE", ""), "b.json": failsSoon,
		} {
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
		}
		code, out, progress := s.command(t, "run", folder)
		require.Equal(t, 1, code, progress)
		require.Contains(t, out, "1 passed, 1 failed")
		require.Contains(t, out, "add --only-failed")
		code, out, progress = s.command(t, "run", folder, "--only-failed", "--output", "json")
		require.Equal(t, 1, code, progress)
		require.Contains(t, out, `"total": 1`)
		code, out, progress = s.command(t, "suite", "save", id, folder)
		require.Zero(t, code, progress)
		require.Contains(t, out, id+" with 2 cases is stored as "+id)
		code, out, progress = s.command(t, "suite", "run", id)
		require.Equal(t, 1, code, progress)
		require.Contains(t, out, "1 passed, 1 failed")
		code, out, progress = s.command(t, "suite", "run", id, "--only-failed")
		require.Equal(t, 1, code, progress)
		require.Contains(t, out, "1 failed in")
		code, out, progress = s.command(t, "suite", "runs", id)
		require.Zero(t, code, progress)
		require.Contains(t, out, "1/2")
		code, out, progress = s.command(t, "suite", "list", "--json")
		require.Zero(t, code, progress)
		require.Contains(t, out, id+".a")
	})
	t.Run("invalid case", func(t *testing.T) {
		t.Parallel()
		code, _, errs := s.command(t, "run", broken, login)
		require.Equal(t, 2, code)
		require.Contains(t, errs, "broken.json")
		require.Contains(t, errs, "selectors")
	})
	t.Run("wrong usage", func(t *testing.T) {
		t.Parallel()
		for _, args := range [][]string{{"run"}, {"run", "no-such-file.json"}, {"run", login, "--priority", "asap"}, {"run", "--no-such-flag"}, {"no-such-command"}} {
			code, _, errs := s.command(t, args...)
			require.Equal(t, 2, code, args)
			require.NotEmpty(t, errs, args)
		}
	})
	t.Run("no API", func(t *testing.T) {
		t.Parallel()
		code, _, errs := s.command(t, "run", login, "--api", "http://127.0.0.1:1")
		require.Equal(t, 3, code)
		require.Contains(t, errs, "127.0.0.1:1")
	})
	t.Run("doctor", func(t *testing.T) {
		t.Parallel()
		code, out, errs := s.command(t, "doctor")
		require.Zero(t, code, out+errs)
		require.Contains(t, out, "All is well.")
	})
	t.Run("doctor finds what is wrong", func(t *testing.T) {
		t.Parallel()
		var server testkit.Redis
		t.Cleanup(server.Stop)
		options, err := redis.ParseURL(server.URL(t))
		require.NoError(t, err)
		other := redis.NewClient(options)
		defer other.Close() //nolint:errcheck // a test
		require.NoError(t, other.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
		code, out, errs := s.command(t, "doctor", "--json", "--only", "postgres,temporal,redis,egress,disk,clock",
			"--set", "DATABASE_URL=postgres://nobody@127.0.0.1:1/x", "--set", "TEMPORAL_NAMESPACE=elsewhere", "--set", "REDIS_URL="+server.URL(t), "--set", "EGRESS_MODE=off")
		require.Equal(t, 3, code, errs)
		var report struct {
			Well   bool `json:"well"`
			Checks []struct {
				Name    string `json:"name"`
				Status  string `json:"status"`
				Finding string `json:"finding"`
				Advice  string `json:"advice"`
			} `json:"checks"`
		}
		require.NoError(t, json.Unmarshal([]byte(out), &report), out)
		require.False(t, report.Well)
		require.Len(t, report.Checks, 6)
		for _, c := range report.Checks {
			switch c.Name {
			case "postgres":
				require.Equal(t, "problem", c.Status)
				require.Contains(t, c.Advice, "DATABASE_URL")
			case "temporal":
				require.Equal(t, "problem", c.Status)
				require.Contains(t, c.Finding, `no namespace "elsewhere"`)
				require.Contains(t, c.Advice, "namespace create")
			case "redis":
				require.Equal(t, "problem", c.Status)
				require.Contains(t, c.Finding, "allkeys-lru")
				require.Contains(t, c.Advice, "noeviction")
			case "egress":
				require.Equal(t, "warning", c.Status)
			case "clock":
				require.Equal(t, "ok", c.Status, c.Finding)
				require.Contains(t, c.Finding, "Redis is")
			}
		}
	})
	t.Run("migrate again", func(t *testing.T) {
		t.Parallel()
		code, out, errs := s.command(t, "migrate")
		require.Zero(t, code, out+errs)
	})
}

// TestWorkerThatIsAskedToStopFinishesItsRuns sends SIGTERM while four runs go on or wait: those that the worker drives end with their
// verdicts, and only then does it; the others wait for the next worker. None is lost, and none is begun twice.
func TestWorkerThatIsAskedToStopFinishesItsRuns(t *testing.T) {
	t.Parallel()
	s := ownStack(t, "--without", "worker")
	worker, err := start(os.Getenv("CINNAMON_BIN"), []string{"worker"}, s.environment()...)
	require.NoError(t, err)
	ids := make([]string, 4)
	for i := range ids {
		ids[i] = s.submit(t, slowCase, nil).TestRunID
	}
	driven := func() (n int) {
		for _, id := range ids {
			if steps := s.steps(t, id); len(steps) == 3 && steps[1].Status == "running" {
				n++
			}
		}
		return n
	}
	await(t, soon, "two runs at their second step", func() bool { return driven() == 2 })
	require.NoError(t, worker.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, worker.stop(30*time.Second))
	ended := 0
	for _, id := range ids {
		if s.run(t, id).Status == "completed" {
			ended++
		}
	}
	require.Equal(t, 2, ended)
	next, err := start(os.Getenv("CINNAMON_BIN"), []string{"worker"}, s.environment()...)
	require.NoError(t, err)
	for _, id := range ids {
		r := s.awaitEnd(t, id, soon)
		require.Equal(t, "completed", r.Status, r.Error)
		require.Equal(t, 1, r.Attempt)
	}
	require.NoError(t, next.stop(20*time.Second))
}
