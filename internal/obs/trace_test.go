package obs_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/internal/tracing"
)

func TestLinesForMachinesNameTheTrace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := obs.Logger(&out, config.Log{Level: "info", Format: config.LogJSON})
	log.InfoContext(t.Context(), "not followed")
	require.NotContains(t, out.String(), "trace_id")
	log.InfoContext(tracing.WithParent(t.Context(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), "followed")
	require.Contains(t, out.String(), `"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331"`)
}
