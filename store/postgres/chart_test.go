package postgres_test

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/queue"
)

// testQueryOfTheChart: KEDA asks the tables themselves how many workers are needed.
func testQueryOfTheChart(t *testing.T, f *fixture) {
	f.migrated(t)
	template, err := os.ReadFile("../../deploy/helm/cinnamon/templates/keda.yaml")
	require.NoError(t, err)
	query := regexp.MustCompile(`(?m)^ +query: (.+)$`).FindSubmatch(template)
	require.NotNil(t, query)
	for i, state := range []string{"waiting", "active", "active", "delayed", "completed", "failed"} {
		id := fmt.Sprintf("run-%d", i)
		_, _, err := f.CreateRun(t.Context(), newRun(t, id, queue.Options{Attempts: 1}))
		require.NoError(t, err)
		f.exec(t, `UPDATE jobs SET state = $2 WHERE run_id = $1`, id, state)
	}
	var n int
	require.NoError(t, f.connect(t).QueryRow(t.Context(), string(query[1])).Scan(&n))
	require.Equal(t, 3, n, "those that wait and those that go on")
}
