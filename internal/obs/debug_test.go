package obs_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/obs"
)

func TestDebugServer(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	addr := listener.Addr().String()
	_, err = obs.ServeDebug(t.Context(), addr)
	require.ErrorContains(t, err, "serving WORKER_DEBUG_ADDR: ", "somebody else has the address")
	require.NoError(t, listener.Close())

	stop, err := obs.ServeDebug(t.Context(), addr)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(path string) (*http.Response, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, http.NoBody)
		require.NoError(t, err)
		return client.Do(request)
	}
	figures := func() obs.Figures {
		answer, err := get("/debug/figures")
		require.NoError(t, err)
		defer answer.Body.Close()
		var f obs.Figures
		require.NoError(t, json.NewDecoder(answer.Body).Decode(&f))
		return f
	}

	before := figures()
	require.Positive(t, before.HeapBytes)
	const more = 50
	release := make(chan struct{})
	for range more {
		go func() { <-release }()
	}
	require.Greater(t, figures().Goroutines, before.Goroutines+more/2, "the figures are of now")
	close(release)

	answer, err := get("/debug/pprof/goroutine?debug=1")
	require.NoError(t, err)
	defer answer.Body.Close()
	profile, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Contains(t, string(profile), "TestDebugServer", "the profile is of this process")

	stop()
	gone, err := get("/debug/figures")
	if err == nil {
		gone.Body.Close()
	}
	require.Error(t, err, "it serves on after stop")
}
