package main_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	sdkclient "go.temporal.io/sdk/client"

	"github.com/cinnamon-qa/cinnamon/devstack/stack"
	"github.com/cinnamon-qa/cinnamon/internal/testkit"
)

// addresses returns the host and port of everything in the stack.
func addresses(t *testing.T, e stack.Endpoints) []string {
	t.Helper()
	hosts := []string{e.Temporal}
	for _, address := range []string{e.API, e.TemporalUI, e.Redis, e.Database, e.Shop} {
		if address == "" {
			continue
		}
		u, err := url.Parse(address)
		require.NoError(t, err)
		hosts = append(hosts, u.Host)
	}
	return hosts
}

func listens(t *testing.T, address string) bool {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		return false
	}
	require.NoError(t, conn.Close())
	return true
}

// requireNothingLeft checks that the program and all it started are gone, with their files.
func requireNothingLeft(t *testing.T, p *program, e stack.Endpoints) {
	t.Helper()
	for _, address := range addresses(t, e) {
		require.False(t, listens(t, address), address)
	}
	require.NoFileExists(t, p.readyFile)
	left, err := os.ReadDir(p.tmp)
	require.NoError(t, err)
	require.Empty(t, left)
	require.Empty(t, processesOf(t, p.tmp))
}

func TestEphemeralStackLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]os.Signal{"after SIGTERM": syscall.SIGTERM, "after SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, e := up(t, asProgram, "--ephemeral")
			for _, address := range addresses(t, e) {
				require.True(t, listens(t, address), address)
			}
			info, err := os.Stat(p.readyFile)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

			p.interrupt(t, signal)
			require.Zero(t, p.exitCode())
			requireNothingLeft(t, p, e)
		})
	}
}

func TestEphemeralStackEndsWithItsParent(t *testing.T) {
	t.Parallel()
	p, e := up(t, asParent, "--ephemeral", "--without", "worker")
	require.NoError(t, p.cmd.Process.Kill())
	// The program's output pipes end with the last process that holds them: the orphan.
	p.awaitEnd(t)
	requireNothingLeft(t, p, e)
}

func TestEphemeralStackIsInterruptedWhileItStarts(t *testing.T) {
	t.Parallel()
	p := launch(t, asProgram, nil, "up", "--ephemeral")
	p.await(t, "the beginning", func() bool { return strings.Contains(p.stderr.String(), "Starting Cinnamon") })
	p.interrupt(t, os.Interrupt)
	require.Equal(t, 130, p.exitCode())
	requireNothingLeft(t, p, stack.Endpoints{})
}

func TestPartsCanBeLeftOut(t *testing.T) {
	t.Parallel()
	p, e := up(t, asProgram, "--ephemeral", "--without", "worker,api", "--without", "shop,bridge")
	require.Empty(t, e.API)
	require.Empty(t, e.Shop)
	require.NotEmpty(t, e.APIKey)
	require.NotContains(t, p.stderr.String(), "Worker")
	require.NotContains(t, p.stderr.String(), "Bridge")
}

func TestServersCanBeReused(t *testing.T) {
	t.Parallel()
	parts := []string{"--ephemeral", "--without", "worker,shop"}
	_, first := up(t, asProgram, parts...)
	p, second := up(t, asProgram, append(parts,
		"--redis-url", first.Redis, "--database-url", first.Database, "--temporal-address", first.Temporal)...)
	require.Equal(t, first.Redis, second.Redis)
	require.Equal(t, first.Database, second.Database)
	require.Equal(t, first.Temporal, second.Temporal)
	require.NotEqual(t, first.API, second.API)
	p.interrupt(t, syscall.SIGTERM)
	require.True(t, listens(t, first.Temporal), "what was reused stays")
}

// kept are the flags of a stack that stays: a folder, and ports that no other test wants.
func kept(folder string) []string {
	return []string{
		"--data-dir", folder, "--without", "worker,bridge,shop", "--api-port", "0", "--temporal-port", "0",
		"--temporal-ui-port", "0", "--redis-port", "0", "--postgres-port", "0",
	}
}

const caseFile = `{"title": "kept", "steps": [{"type": "navigate", "url": "http://127.0.0.1/"}]}`

func call(t *testing.T, e stack.Endpoints, method, path, body string) map[string]any {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, e.API+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+e.APIKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Less(t, response.StatusCode, 300)
	var answer map[string]any
	require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	return answer
}

func redisOf(t *testing.T, e stack.Endpoints) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(e.Redis)
	require.NoError(t, err)
	client := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

func temporalOf(t *testing.T, e stack.Endpoints) sdkclient.Client {
	t.Helper()
	client, err := sdkclient.DialContext(t.Context(), sdkclient.Options{HostPort: e.Temporal})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func TestUpKeepsItsData(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]os.Signal{"after a stop": syscall.SIGTERM, "after a crash": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(testkit.Folder(t), "data")
			p, first := up(t, asProgram, kept(folder)...)
			call(t, first, http.MethodPut, "/api/test-cases/kept", caseFile)
			require.NoError(t, redisOf(t, first).Set(t.Context(), "kept", "yes", 0).Err())
			_, err := temporalOf(t, first).ExecuteWorkflow(t.Context(),
				sdkclient.StartWorkflowOptions{ID: "kept", TaskQueue: "nobody"}, "no-such-workflow")
			require.NoError(t, err)
			p.interrupt(t, signal)

			_, second := up(t, asProgram, kept(folder)...)
			require.Equal(t, first.APIKey, second.APIKey)
			require.Equal(t, "kept", call(t, second, http.MethodGet, "/api/test-cases/kept", "")["title"])
			require.Equal(t, "yes", redisOf(t, second).Get(t.Context(), "kept").Val())
			_, err = temporalOf(t, second).DescribeWorkflowExecution(t.Context(), "kept", "")
			require.NoError(t, err)
		})
	}
}

func TestUpEndsWhenAPartDies(t *testing.T) {
	t.Parallel()
	p, e := up(t, asProgram, "--ephemeral", "--without", "worker,bridge")
	id := redisOf(t, e).InfoMap(t.Context(), "server").Item("Server", "process_id")
	pid, err := strconv.Atoi(id)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	p.awaitEnd(t)
	require.Equal(t, 3, p.exitCode())
	require.Contains(t, p.stderr.String(), "redis-server ended: signal: killed")
	requireNothingLeft(t, p, e)
}

func TestSecondInterruptLeavesAtOnce(t *testing.T) {
	t.Parallel()
	p, e := up(t, asProgram, "--ephemeral")
	signals := time.NewTicker(50 * time.Millisecond)
	defer signals.Stop()
	for p.running() {
		require.NoError(t, p.signal(os.Interrupt))
		<-signals.C
	}
	require.Contains(t, []int{0, 130}, p.exitCode(), "a stack may be quicker than the second interrupt")
	requireNothingLeft(t, p, e)
}

func TestOneUpAtATimeHasAFolder(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(testkit.Folder(t), "data")
	first, _ := up(t, asProgram, kept(folder)...)
	second := run(t, nil, append([]string{"up"}, kept(folder)...)...)
	require.Equal(t, 3, second.exitCode())
	second.requireOneLine(t, "already running on "+folder, strconv.Itoa(first.cmd.Process.Pid), "--data-dir")
}

func TestUpNamesATakenPort(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, taken.Close()) })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)

	p := run(t, nil, "up", "--ephemeral", "--redis-port", port)
	require.Equal(t, 3, p.exitCode())
	p.requireOneLine(t, "port "+port+" is in use", "Redis", "--redis-port")
	requireNothingLeft(t, p, stack.Endpoints{})
}

func TestUpRefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"an unknown part":          {[]string{"up", "--without", "redis"}, "must be one of worker, api, bridge, shop"},
		"an unknown flag":          {[]string{"up", "--epheremal"}, "unknown flag"},
		"an unknown command":       {[]string{"upp"}, "unknown command"},
		"a folder that is not":     {[]string{"up", "--ephemeral", "--data-dir", "/tmp"}, "--data-dir has no meaning"},
		"no concurrency":           {[]string{"up", "--concurrency", "0"}, "QUEUE_CONCURRENCY is 0"},
		"cases that are not there": {[]string{"demo", "--cases", "no/such/folder"}, "there is no such folder"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := run(t, nil, c.args...)
			require.Equal(t, 2, p.exitCode())
			require.Contains(t, p.stderr.String(), c.want)
		})
	}
}
