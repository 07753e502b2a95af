package e2e_test

import (
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	sdklog "go.temporal.io/sdk/log"
	sdkworker "go.temporal.io/sdk/worker"

	"github.com/cinnamon-qa/cinnamon/workflows"
)

var update = flag.Bool("update", false, "record the workflow histories that later code must replay")

// TestHistoriesOfRealRunsReplay takes the histories of runs of every kind and replays them. With -update it keeps them
// in workflows/testdata/history, where each later change of the code is held against them.
func TestHistoriesOfRealRunsReplay(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	kinds := map[string]func(t *testing.T) run{
		"passed":  func(t *testing.T) run { return s.submit(t, exampleCase(t, "login.json"), nil) },
		"failed":  func(t *testing.T) run { return s.submit(t, failingCase, map[string]any{"attempts": 2}) },
		"delayed": func(t *testing.T) run { return s.submit(t, exampleCase(t, "login.json"), map[string]any{"delay": 500}) },
		"cancelled-while-delayed": func(t *testing.T) run {
			r := s.submit(t, exampleCase(t, "login.json"), map[string]any{"delay": 600000})
			s.request(t, http.MethodPost, "/api/test-runs/"+r.TestRunID+"/cancel", "", http.StatusAccepted, nil)
			return r
		},
		"cancelled-while-running": func(t *testing.T) run {
			r := s.submit(t, slowCase, nil)
			await(t, soon, "the second step", func() bool {
				steps := s.steps(t, r.TestRunID)
				return len(steps) == 3 && steps[1].Status == "running"
			})
			s.request(t, http.MethodPost, "/api/test-runs/"+r.TestRunID+"/cancel", "", http.StatusAccepted, nil)
			return r
		},
	}
	for kind, begin := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := begin(t)
			s.awaitEnd(t, r.TestRunID, soon)
			s.requireReplay(t, "TestExecution-"+kind, "test-execution/"+r.TestRunID)
		})
	}
}

// requireReplay replays the history of a workflow and keeps it, under that name, if asked to.
func (s *stack) requireReplay(t *testing.T, name, workflowID string) {
	t.Helper()
	history := s.history(t, workflowID)
	replayer := sdkworker.NewWorkflowReplayer()
	workflows.Register(replayer)
	quiet := sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	require.NoError(t, replayer.ReplayWorkflowHistory(quiet, history))
	if *update {
		keepHistory(t, name, history)
	}
}

// history waits for a workflow to close and returns all that it did.
func (s *stack) history(t *testing.T, workflowID string) *historypb.History {
	t.Helper()
	closed := s.client.GetWorkflowHistory(t.Context(), workflowID, "", true, enumspb.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT)
	_, err := closed.Next()
	require.NoError(t, err)
	all := &historypb.History{}
	events := s.client.GetWorkflowHistory(t.Context(), workflowID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		all.Events = append(all.Events, event)
	}
	return all
}

func keepHistory(t *testing.T, name string, history *historypb.History) {
	t.Helper()
	text, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(history)
	require.NoError(t, err)
	var document any
	require.NoError(t, json.Unmarshal(text, &document))
	anonymous(document)
	text, err = json.MarshalIndent(document, "", " ")
	require.NoError(t, err)
	folder := filepath.Join("..", "workflows", "testdata", "history")
	require.NoError(t, os.MkdirAll(folder, 0o755))
	file := filepath.Join(folder, name+".json")
	require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o644))
}

// stickyQueue is a task queue of one worker process, named after its host.
var stickyQueue = regexp.MustCompile(`^[^:]+:[0-9a-f-]{36}$`)

// anonymous takes the names of hosts out of a history.
func anonymous(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			text, isText := inner.(string)
			switch {
			case isText && text != "" && (name == "identity" || strings.HasSuffix(name, "Identity")):
				v[name] = "somebody"
			case isText && name == "name" && stickyQueue.MatchString(text):
				v[name] = "somewhere" + text[strings.IndexByte(text, ':'):]
			default:
				anonymous(inner)
			}
		}
	case []any:
		for _, inner := range v {
			anonymous(inner)
		}
	}
}
