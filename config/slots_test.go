package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/config"
)

func TestConcurrencyFollowsTheMachine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cpus   int
		memory int64
		want   int
	}{{2, 0, 4}, {2, 8 << 30, 4}, {8, 4 << 30, 8}, {1, 512 << 20, 1}, {64, 512 << 30, 32}} {
		require.Equal(t, c.want, config.Slots(c.cpus, c.memory), "%+v", c)
	}
	c, list, err := config.Read(config.Sources{Environ: []string{"QUEUE_CONCURRENCY=auto"}})
	require.NoError(t, err)
	require.Positive(t, c.Queue.Concurrency)
	require.Contains(t, list, config.Setting{Name: "QUEUE_CONCURRENCY", Value: "auto", From: "environment"})
	_, err = config.Load([]string{"QUEUE_CONCURRENCY=some"})
	require.ErrorContains(t, err, "QUEUE_CONCURRENCY")
}
