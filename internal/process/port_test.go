package process_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/process"
)

func listen(t *testing.T, port int) net.Listener {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", process.Loopback(port))
	require.NoError(t, err)
	return listener
}

func TestCheckPortNamesTheFlag(t *testing.T) {
	t.Parallel()
	port, err := process.FreePort(t.Context())
	require.NoError(t, err)
	require.NoError(t, process.CheckPort(t.Context(), port, "the API", "--api-port", 0))

	taken := listen(t, port)
	t.Cleanup(func() { require.NoError(t, taken.Close()) })
	err = process.CheckPort(t.Context(), port, "the API", "--api-port", 0)
	require.Equal(t, &process.PortError{Port: port, Of: "the API", Flag: "--api-port"}, err)
	require.ErrorContains(t, err, "choose another one with --api-port")
}

func TestCheckPortWaitsForOneThatGoesAway(t *testing.T) {
	t.Parallel()
	port, err := process.FreePort(t.Context())
	require.NoError(t, err)
	predecessor := listen(t, port)
	time.AfterFunc(100*time.Millisecond, func() { predecessor.Close() }) //nolint:errcheck // the port shows it
	require.NoError(t, process.CheckPort(t.Context(), port, "the API", "--api-port", time.Minute))
}

func TestRetryTakesAnotherFreePort(t *testing.T) {
	t.Parallel()
	var tried []int
	got, err := process.Retry(t.Context(), 0, func(port int) (int, error) {
		tried = append(tried, port)
		if len(tried) < 3 {
			return 0, errors.New("taken")
		}
		return port, nil
	})
	require.NoError(t, err)
	require.Equal(t, tried[2], got)
}

func TestRetryKeepsAPortThatWasAskedFor(t *testing.T) {
	t.Parallel()
	tries := 0
	_, err := process.Retry(t.Context(), 4711, func(port int) (int, error) {
		tries++
		require.Equal(t, 4711, port)
		return 0, errors.New("taken")
	})
	require.EqualError(t, err, "taken")
	require.Equal(t, 1, tries)
}
