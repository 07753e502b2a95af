package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	children "github.com/cinnamon-qa/cinnamon/internal/process"
)

// scrape reads /metrics as Prometheus does, once the role answers.
func (s *stack) scrape(t *testing.T, url string) (text string) {
	t.Helper()
	await(t, soon, "the metrics at "+url, func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/metrics", http.NoBody)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+s.APIKey)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		text = string(body)
		return response.StatusCode == http.StatusOK
	})
	return text
}

// TestMetricsOfEveryRole lints what the roles tell Prometheus when a run has gone through them.
func TestMetricsOfEveryRole(t *testing.T) {
	t.Parallel()
	s := ownStack(t, "--without", "worker", "--without", "bridge")
	urls := map[string]string{"api": s.API}
	for _, role := range []string{"worker", "bridge"} {
		port, err := children.FreePort(t.Context())
		require.NoError(t, err)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		urls[role] = "http://" + address
		p, err := start(os.Getenv("CINNAMON_BIN"), []string{role}, append(s.environment(), "METRICS_ADDR="+address)...)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, p.stop(20*time.Second)) })
	}
	require.Equal(t, "completed", s.awaitEnd(t, s.submit(t, exampleCase(t, "login.json"), nil).TestRunID, soon).Status)
	for role, names := range map[string][]string{
		"api":    {`cinnamon_http_requests_total{code="202",method="POST",route="/api/test-runs"} 1`, `cinnamon_dependency_up{dependency="temporal"} 1`},
		"worker": {`cinnamon_runs_total{queue="test-execution",status="completed"} 1`, `cinnamon_worker_slots`, `cinnamon_browsers `, `temporal_num_pollers`},
		"bridge": {`bullmq_job_completed_total{queue="test-execution"} 1`, `cinnamon_outbox_rows{queue="test-execution"} 0`, `cinnamon_redis_eviction_policy_wrong`},
	} {
		var text string
		await(t, soon, "the figures of the "+role, func() bool {
			text = s.scrape(t, urls[role])
			for _, name := range append(names, `cinnamon_build_info{role="`+role+`"`, "process_open_fds", "go_goroutines") {
				if !strings.Contains(text, "\n"+name) {
					return false
				}
			}
			return true
		})
		problems, err := promlint.New(strings.NewReader(text)).Lint()
		require.NoError(t, err)
		for _, p := range problems {
			if p.Metric != "bullmq_job_count" { // BullMQ's own exporter calls it so
				t.Errorf("%s: %s: %s", role, p.Metric, p.Text)
			}
		}
	}
}
