package temporalserver_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdkclient "go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/cinnamon-qa/cinnamon/devstack/temporalserver"
)

func start(t *testing.T, file string) *temporalserver.Server {
	t.Helper()
	server, err := temporalserver.Start(t.Context(), temporalserver.Options{File: file, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, server) })
	return server
}

func stop(t *testing.T, server *temporalserver.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	require.NoError(t, server.Stop(ctx))
}

func quiet() sdklog.Logger { return sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)) }

func dial(t *testing.T, server *temporalserver.Server) sdkclient.Client {
	t.Helper()
	client, err := sdkclient.DialContext(t.Context(), sdkclient.Options{HostPort: server.Address(), Logger: quiet()})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func TestServerRunsWorkflows(t *testing.T) {
	t.Parallel()
	client := dial(t, start(t, ""))
	worker := sdkworker.New(client, "queue", sdkworker.Options{})
	worker.RegisterWorkflowWithOptions(greet, workflow.RegisterOptions{Name: "greet"})
	require.NoError(t, worker.Start())
	t.Cleanup(worker.Stop)

	run, err := client.ExecuteWorkflow(t.Context(), sdkclient.StartWorkflowOptions{TaskQueue: "queue"}, "greet", "you")
	require.NoError(t, err)
	var greeting string
	require.NoError(t, run.Get(t.Context(), &greeting))
	require.Equal(t, "hello you", greeting)
}

func greet(_ workflow.Context, name string) (string, error) { return "hello " + name, nil }

func TestServerKeepsItsWorkflowsInAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "temporal.db")
	options := sdkclient.StartWorkflowOptions{ID: "kept", TaskQueue: "nobody"}

	first, err := temporalserver.Start(t.Context(), temporalserver.Options{File: file, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	run, err := dial(t, first).ExecuteWorkflow(t.Context(), options, "greet", "you")
	require.NoError(t, err)
	stop(t, first)

	second := dial(t, start(t, file))
	description, err := second.DescribeWorkflowExecution(t.Context(), "kept", "")
	require.NoError(t, err)
	require.Equal(t, run.GetRunID(), description.GetWorkflowExecutionInfo().GetExecution().GetRunId())
}

func TestServerReportsATakenPort(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, taken.Close()) })

	address, ok := taken.Addr().(*net.TCPAddr)
	require.True(t, ok)
	_, err = temporalserver.Start(t.Context(), temporalserver.Options{Port: address.Port, Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "address already in use")
}

func TestWebUIShowsTheServer(t *testing.T) {
	t.Parallel()
	server := start(t, "")
	ui, err := temporalserver.StartUI(t.Context(), temporalserver.UIOptions{
		Address: server.Address(), Log: slog.New(slog.DiscardHandler),
		Codec: func(ui string) (string, error) {
			require.Contains(t, ui, "http://127.0.0.1:")
			return "http://127.0.0.1:8234", nil
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ui.Stop()) })

	require.Contains(t, get(t, ui.URL()+"/namespaces/default/workflows"), "<html")
	require.Contains(t, get(t, ui.URL()+"/api/v1/namespaces/default"), `"default"`)
	require.Contains(t, get(t, ui.URL()+"/api/v1/settings"), `"Endpoint":"http://127.0.0.1:8234"`)
}

func get(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}
