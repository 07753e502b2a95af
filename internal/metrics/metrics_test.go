package metrics_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/cinnamon-qa/cinnamon/internal/metrics"
)

// full is a registry with all that the roles have, everything once noted.
func full(t *testing.T) string {
	t.Helper()
	m := metrics.New("all", slog.New(slog.DiscardHandler))
	temporal, err := m.Temporal()
	require.NoError(t, err)
	tagged := temporal.WithTags(map[string]string{"operation": "StartWorkflowExecution"})
	tagged.Counter("temporal_request").Inc(2)
	tagged.Timer("temporal_request_latency").Record(30 * time.Millisecond)
	tagged.Gauge("temporal_worker_task_slots_available").Update(2)
	runs := m.Runs()
	runs.AttemptStarted("q", time.Second)
	runs.StepEnded("click", "success", 200*time.Millisecond)
	runs.Adapted("locator", true)
	runs.HealEnded("found", time.Second)
	runs.AttemptEnded(metrics.AttemptEnd{Queue: "q", Outcome: "failed", Took: time.Second})
	runs.AttemptEnded(metrics.AttemptEnd{Queue: "q", Outcome: "completed", Took: time.Second, Status: "completed", Flaky: true, Since: time.Now()})
	runs.AttemptEnded(metrics.AttemptEnd{Queue: "q", Outcome: "failed", Took: time.Second, Status: "failed", Class: "assertion", Since: time.Now()})
	bridge := m.Bridge()
	bridge.Relayed("q", time.Now().Add(-time.Second))
	bridge.SetAside("q", 1)
	bridge.Rebuilt("q", 7)
	bridge.Followed("q")
	bridge.Taken("q")
	bridge.Refused("q")
	m.Records(t.Context(), func(context.Context) (metrics.Records, error) {
		return metrics.Records{
			Depths:   []metrics.Depth{{Queue: "q", State: "waiting", Jobs: 3, Oldest: time.Minute}},
			Backlogs: []metrics.Backlog{{Queue: "q", Rows: 4, Oldest: time.Second, SetAside: 1}},
		}, nil
	})
	m.Shown(t.Context(), func(context.Context) ([]metrics.Shown, error) {
		return []metrics.Shown{{Queue: "q", Jobs: map[string]int{"waiting": 3}, Completed: 5, Failed: 1, Evicts: true, Evicted: 9, Used: 100, Limit: 200}}, nil
	})
	m.Browsers(t.Context(), 2, func() metrics.Browsers {
		return metrics.Browsers{Running: 1, Limit: 1, Sessions: 2, Bytes: 1 << 20, Started: 3, Replaced: map[string]uint64{"old": 1}}
	})
	m.Dependencies(t.Context(), func(context.Context) map[string]bool { return map[string]bool{"redis": false} })
	m.HTTP().Answered("BREW", "/api/test-runs", 200, time.Millisecond)
	m.Sweep().Reconciled("q", "never_started")
	m.Learning().Decided("promoted")
	m.Reliability(t.Context(), func(context.Context, []float64) (map[float64]int, error) { return map[float64]int{0: 1}, nil })
	return read(t, m)
}

func read(t *testing.T, m *metrics.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	return w.Body.String()
}

func TestMetricsSayWhatWasNoted(t *testing.T) {
	t.Parallel()
	text := full(t)
	for _, line := range []string{
		`cinnamon_attempts_total{outcome="failed",queue="q"} 2`,
		`cinnamon_runs_total{queue="q",status="completed"} 1`,
		`cinnamon_flaky_runs_total{queue="q"} 1`,
		`cinnamon_dead_letters_total{class="assertion",queue="q"} 1`,
		`cinnamon_run_wait_seconds_count{queue="q"} 1`,
		`cinnamon_bridge_repaired_jobs_total{queue="q"} 7`,
		`cinnamon_queue_oldest_job_seconds{queue="q",state="waiting"} 60`,
		`bullmq_job_count{queue="q",state="waiting"} 3`,
		`bullmq_job_completed_total{queue="q"} 5`,
		`cinnamon_redis_eviction_policy_wrong{queue="q"} 1`,
		`cinnamon_dependency_up{dependency="redis"} 0`,
		`cinnamon_http_requests_total{code="200",method="other",route="/api/test-runs"} 1`,
		`temporal_request_total{operation="StartWorkflowExecution"} 2`,
		`temporal_request_latency_seconds_bucket{operation="StartWorkflowExecution",le="0.1"} 1`,
	} {
		require.Contains(t, text, line+"\n")
	}
}

// A figure that can't be found out leaves the others as they are.
func TestWhatCanNotBeFoundOutIsMissing(t *testing.T) {
	t.Parallel()
	m := metrics.New("bridge", slog.New(slog.DiscardHandler))
	m.Records(t.Context(), func(context.Context) (metrics.Records, error) { return metrics.Records{}, context.DeadlineExceeded })
	text := read(t, m)
	require.Contains(t, text, `cinnamon_build_info{role="bridge"`)
	require.NotContains(t, text, "cinnamon_queue_jobs")
}

// What full has is all that there is: no metric escapes the linter below.
func TestFullRegistryHasEveryMetric(t *testing.T) {
	t.Parallel()
	text := full(t)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	quoted, seen := regexp.MustCompile(`"((?:cinnamon|bullmq)_[a-z_]+)"`), 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, name := range quoted.FindAllStringSubmatch(string(source), -1) {
			seen++
			require.Contains(t, text, "# TYPE "+name[1]+" ", file)
		}
	}
	require.Greater(t, seen, 30)
}

func TestMetricsPassPromtoolsLinter(t *testing.T) {
	t.Parallel()
	problems, err := promlint.New(strings.NewReader(full(t))).Lint()
	require.NoError(t, err)
	for _, p := range problems {
		if p.Metric == "bullmq_job_count" { // BullMQ's own exporter calls it so, and its dashboards read it
			continue
		}
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

var (
	sampleName = regexp.MustCompile(`(?m)^([a-z_]+)[ {]`)
	named      = regexp.MustCompile(`\b(?:cinnamon|bullmq|temporal|process|go)_[a-z_]+`)
)

// Dashboard and alerts name only metrics that exist, so that none of them is silent for ever.
func TestDashboardAndAlertsNameMetricsThatExist(t *testing.T) {
	t.Parallel()
	exist := map[string]bool{}
	for _, found := range sampleName.FindAllStringSubmatch(full(t), -1) {
		exist[found[1]] = true
	}
	expressions := dashboard(t)
	maps.Copy(expressions, alerts(t))
	require.Greater(t, len(expressions), 30)
	for where, expression := range expressions {
		names := named.FindAllString(expression, -1)
		require.NotEmpty(t, names, where)
		for _, name := range names {
			require.True(t, exist[name], "%s names %s, and there is no such metric", where, name)
		}
		require.Equal(t, strings.Count(expression, "("), strings.Count(expression, ")"), where)
	}
}

func dashboard(t *testing.T) map[string]string {
	t.Helper()
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Expr string }
		}
	}
	text, err := os.ReadFile("../../deploy/grafana/cinnamon.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &board))
	found := map[string]string{}
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			found["panel "+panel.Title+" "+target.RefID] = target.Expr
		}
	}
	return found
}

func alerts(t *testing.T) map[string]string {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	text, err := os.ReadFile("../../deploy/prometheus/cinnamon.rules.yml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &file))
	found := map[string]string{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			require.Contains(t, []string{"critical", "warning", "info"}, rule.Labels["severity"], rule.Alert)
			require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			found["alert "+rule.Alert] = rule.Expr
		}
	}
	return found
}
