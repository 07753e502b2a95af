package bullmq_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// TestClientsGetFromOurWorkerWhatTheyExpect runs testdata/acceptance.cjs with each client's library.
func TestClientsGetFromOurWorkerWhatTheyExpect(t *testing.T) {
	t.Parallel()
	for _, library := range judges() {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.work(obey, bullmq.WorkerOptions{Name: "go", MetricsMinutes: 60})
			command := exec.CommandContext(t.Context(), "node", "testdata/acceptance.cjs",
				nodeModules(t), library, server.URL(t), b.prefix, b.queue)
			said, err := command.CombinedOutput()
			require.NoError(t, err, "%s", said)
			lines := strings.Split(strings.TrimSpace(string(said)), "\n")
			var passed, all int
			_, err = fmt.Sscanf(lines[len(lines)-1], "%d of %d checks passed", &passed, &all)
			require.NoError(t, err, "%s", said)
			require.Equal(t, all, passed)
			require.GreaterOrEqual(t, passed, 50)
		})
	}
}
