package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkclient "go.temporal.io/sdk/client"

	"github.com/cinnamon-qa/cinnamon/internal/testkit"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// endpoints is what cinnamon-dev writes into its ready file.
type endpoints struct {
	API        string `json:"api"`
	Temporal   string `json:"temporal"`
	TemporalUI string `json:"temporal_ui"`
	Codec      string `json:"codec"`
	Redis      string `json:"redis"`
	Database   string `json:"database"`
	Shop       string `json:"shop"`
	APIKey     string `json:"api_key"`
}

// stack is a whole system of its own.
type stack struct {
	endpoints
	folder string
	dev    *process
	store  *postgres.Store
	client sdkclient.Client
}

// shared is the stack that tests use which do no harm to it; the others start their own.
var shared struct {
	once  sync.Once
	stack *stack
	err   error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.stack != nil {
		if err := shared.stack.close(); err != nil {
			fmt.Fprintln(os.Stderr, "stopping the shared stack:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// sharedStack returns the common stack and starts it for the first test that asks.
func sharedStack(t *testing.T) *stack {
	t.Helper()
	requirePrograms(t)
	shared.once.Do(func() { shared.stack, shared.err = startStack(t.Context()) })
	require.NoError(t, shared.err)
	return shared.stack
}

// ownStack starts a stack for one test.
func ownStack(t *testing.T, args ...string) *stack {
	t.Helper()
	requirePrograms(t)
	s, err := startStack(t.Context(), args...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })
	return s
}

func requirePrograms(t *testing.T) {
	t.Helper()
	for _, variable := range []string{"CINNAMON_BIN", "CINNAMON_DEV_BIN"} {
		if os.Getenv(variable) != "" {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("%s must name the built program", variable)
		}
		t.Skipf("needs the built programs: run `make test/e2e`, or set %s", variable)
	}
}

// heartbeatTimeout and stalledInterval are shorter than the defaults, so that the death of a worker is noticed soon.
const (
	heartbeatTimeout = "WORKER_HEARTBEAT_TIMEOUT=3s"
	stalledInterval  = "QUEUE_STALLED_INTERVAL=2s"
)

func startStack(ctx context.Context, args ...string) (*stack, error) {
	return startStackIn(ctx, nil, args...)
}

// startStackIn starts a stack with more in its environment.
func startStackIn(ctx context.Context, environment []string, args ...string) (*stack, error) {
	folder, err := os.MkdirTemp("", "cinnamon-e2e-")
	if err != nil {
		return nil, err
	}
	s := &stack{folder: folder}
	ready := filepath.Join(folder, "ready.json")
	arguments := append([]string{"up", "--ephemeral", "--ready-file", ready}, args...)
	s.dev, err = start(os.Getenv("CINNAMON_DEV_BIN"), arguments, append([]string{heartbeatTimeout, stalledInterval}, environment...)...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 90*time.Second)
	defer cancel()
	text, err := s.dev.awaitFile(ctx, ready)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := json.Unmarshal(text, &s.endpoints); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if s.store, err = postgres.Open(ctx, s.Database, 4); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if s.client, err = sdkclient.DialContext(ctx, sdkclient.Options{HostPort: s.Temporal}); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// close stops the stack as a person would and reports what went wrong, and what is too large in the histories.
func (s *stack) close() error {
	var tooLarge error
	if s.client != nil {
		tooLarge = s.checkPayloads()
		s.client.Close()
	}
	if s.store != nil {
		s.store.Close()
	}
	err := s.dev.stop(25 * time.Second)
	return errors.Join(tooLarge, err, os.RemoveAll(s.folder))
}

// environment is what the product's own programs need to work in this stack.
func (s *stack) environment() []string {
	return []string{
		"DATABASE_URL=" + s.Database, "REDIS_URL=" + s.Redis, "TEMPORAL_ADDRESS=" + s.Temporal,
		"TEMPORAL_UI_URL=" + s.TemporalUI, "CINNAMON_API_URL=" + s.API, "CINNAMON_API_KEY=" + s.APIKey,
		"ARTIFACTS_DIR=" + filepath.Join(s.folder, "artifacts"), heartbeatTimeout,
		"EGRESS_ALLOW=localhost",
	}
}

// process is a program that a test started.
type process struct {
	cmd    *exec.Cmd
	output *testkit.Output
	exited chan struct{}
	err    error
}

func start(program string, args []string, environment ...string) (*process, error) {
	p := &process{output: &testkit.Output{}, exited: make(chan struct{})}
	p.cmd = exec.Command(program, args...)
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// awaitFile waits for a file that the process writes.
func (p *process) awaitFile(ctx context.Context, name string) ([]byte, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if text, err := os.ReadFile(name); err == nil {
			return text, nil
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return nil, fmt.Errorf("%s ended: %w\n%s", p.cmd.Path, p.err, p.output)
		case <-ctx.Done():
			return nil, fmt.Errorf("%s isn't ready: %w\n%s", p.cmd.Path, ctx.Err(), p.output)
		}
	}
}

// stop asks the process to end and expects that it does so well.
func (p *process) stop(within time.Duration) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
		if p.err != nil {
			return fmt.Errorf("%s ended badly: %w\n%s", p.cmd.Path, p.err, p.output)
		}
		return nil
	case <-time.After(within):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s did not stop within %s\n%s", p.cmd.Path, within, p.output)
	}
}

// kill ends the process at once, without a chance to clean up.
func (p *process) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	<-p.exited
}

// request sends a request with the key and decodes a JSON answer of the expected status into out.
func (s *stack) request(t *testing.T, method, path, body string, want int, out any, header ...string) http.Header {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.API+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+s.APIKey)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, want, res.StatusCode, "%s %s: %s", method, path, text)
	if out != nil {
		require.NoError(t, json.Unmarshal(text, out), string(text))
	}
	return res.Header
}

type run struct {
	TestRunID      string `json:"testRunId"`
	JobID          string `json:"jobId"`
	Queue          string `json:"queue"`
	TestCaseID     string `json:"testCaseId"`
	Status         string `json:"status"`
	Attempt        int    `json:"attempt"`
	Flaky          bool   `json:"flaky"`
	TotalSteps     int    `json:"totalSteps"`
	CompletedSteps int    `json:"completedSteps"`
	FailedSteps    int    `json:"failedSteps"`
	Error          string `json:"error"`
	Links          struct {
		Self     string `json:"self"`
		Steps    string `json:"steps"`
		Temporal string `json:"temporal"`
	} `json:"links"`
}

type step struct {
	Number      int    `json:"number"`
	Attempt     int    `json:"attempt"`
	Action      string `json:"action"`
	Description string `json:"description"`
	Status      string `json:"status"`
	Error       string `json:"error"`
	Screenshot  string `json:"screenshot"`
}

// submit starts a run of an inline case and returns its id.
func (s *stack) submit(t *testing.T, definition string, fields map[string]any) run {
	t.Helper()
	request := map[string]any{"case": json.RawMessage(definition), "config": map[string]any{"baseUrl": s.Shop}}
	maps.Copy(request, fields)
	body, err := json.Marshal(request)
	require.NoError(t, err)
	var accepted run
	s.request(t, http.MethodPost, "/api/test-runs", string(body), http.StatusAccepted, &accepted)
	require.NotEmpty(t, accepted.TestRunID)
	return accepted
}

func (s *stack) run(t *testing.T, id string) run {
	t.Helper()
	var r run
	s.request(t, http.MethodGet, "/api/test-runs/"+id, "", http.StatusOK, &r)
	return r
}

func (s *stack) steps(t *testing.T, id string) []step {
	t.Helper()
	return listed[step](t, s, "/api/test-runs/"+id+"/steps")
}

// listed returns the items of a list.
func listed[T any](t *testing.T, s *stack, path string) []T {
	t.Helper()
	var list struct {
		Items []T `json:"items"`
	}
	s.request(t, http.MethodGet, path, "", http.StatusOK, &list)
	return list.Items
}

// await polls until the condition holds.
func await(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		require.True(t, time.Now().Before(deadline), "waited %s for %s", within, what)
		<-tick.C
	}
}

// awaitEnd waits until a run has ended.
func (s *stack) awaitEnd(t *testing.T, id string, within time.Duration) run {
	t.Helper()
	var r run
	await(t, within, "the end of run "+id, func() bool {
		r = s.run(t, id)
		return r.Status != "pending" && r.Status != "running"
	})
	return r
}

// exampleCase reads a bundled test case.
func exampleCase(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "examples", "cases", "shop", name))
	require.NoError(t, err)
	return string(text)
}
