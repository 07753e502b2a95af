package health_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/health"
	"github.com/cinnamon-qa/cinnamon/internal/testkit"
)

// serve starts a server and returns where it says it is.
func serve(t *testing.T, o health.Options) (*health.Server, string) {
	t.Helper()
	var log testkit.Output
	o.Prober, o.Log = health.New(), slog.New(slog.NewTextHandler(&log, nil))
	o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "some 1\n") })
	server, err := health.Serve(t.Context(), o)
	require.NoError(t, err)
	found := regexp.MustCompile(`address=(\S+)`).FindStringSubmatch(log.String())
	require.NotNil(t, found)
	return server, found[1]
}

func get(ctx context.Context, t *testing.T, address, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, http.NoBody)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(body)
}

func TestServerAnswersUntilItIsClosed(t *testing.T) {
	t.Parallel()
	server, address := serve(t, health.Options{Addr: "127.0.0.1:0"})
	for path, want := range map[string]string{"/livez": `{"status":"ok"}`, "/readyz": `{"status":"ready"}`, "/metrics": "some 1"} {
		code, body := get(t.Context(), t, address, path)
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, want+"\n", body)
	}
	code, _ := get(t.Context(), t, address, "/debug/pprof/")
	require.Equal(t, http.StatusNotFound, code)
	require.NoError(t, server.Close(t.Context()))
	_, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	require.Error(t, err)
}

// Two workers share a host without anybody telling them where to listen; who names an address means that one.
func TestTakenAddress(t *testing.T) {
	t.Parallel()
	first, taken := serve(t, health.Options{Addr: "127.0.0.1:0"})
	defer first.Close(t.Context()) //nolint:errcheck // a test
	second, address := serve(t, health.Options{Default: taken})
	defer second.Close(t.Context()) //nolint:errcheck // a test
	require.NotEqual(t, taken, address)
	_, err := health.Serve(t.Context(), health.Options{Addr: taken, Log: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "METRICS_ADDR "+taken)
	none, err := health.Serve(t.Context(), health.Options{Addr: health.Off})
	require.NoError(t, err)
	require.NoError(t, none.Close(t.Context()))
}
