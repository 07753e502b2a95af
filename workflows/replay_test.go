package workflows_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdklog "go.temporal.io/sdk/log"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/cinnamon-qa/cinnamon/workflows"
)

// names collects what Register registers.
type names []string

func (n *names) RegisterWorkflowWithOptions(_ any, options workflow.RegisterOptions) {
	*n = append(*n, options.Name)
}

// TestRecordedHistoriesReplay runs today's code against the histories of runs that real stacks have had: a change that
// would break runs under way fails here. `make histories` records new ones; old ones stay for as long as such runs may
// be under way.
func TestRecordedHistoriesReplay(t *testing.T) {
	t.Parallel()
	var registered names
	workflows.Register(&registered)
	require.NotEmpty(t, registered)
	files, err := filepath.Glob(filepath.Join("testdata", "history", "*.json"))
	require.NoError(t, err)

	for _, name := range registered {
		recorded := 0
		for _, file := range files {
			if !strings.HasPrefix(filepath.Base(file), name+"-") {
				continue
			}
			recorded++
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				replayer := sdkworker.NewWorkflowReplayer()
				workflows.Register(replayer)
				quiet := sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
				require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(quiet, file))
			})
		}
		require.NotZero(t, recorded, "workflow %s has no recorded history: run `make histories`", name)
	}
}
