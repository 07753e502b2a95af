package redisbridge_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/store"
)

var servedAt = regexp.MustCompile(`health and metrics are served" address=(\S+)`)

// fetch asks a bridge's own server.
func (b *bundle) fetch(path string) (int, string) {
	b.t.Helper()
	found := servedAt.FindStringSubmatch(b.log.String())
	require.NotNil(b.t, found, "no address is logged")
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, "http://"+found[1]+path, http.NoBody)
	require.NoError(b.t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(b.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	return answer.StatusCode, string(body)
}

func TestBridgeServesHealthAndMetrics(t *testing.T) {
	t.Parallel()
	b, own := setupAlone(t)
	b.cfg.Metrics.Addr = "127.0.0.1:0"
	defer http.DefaultClient.CloseIdleConnections()
	require.NoError(t, b.rdb.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
	b.settled()
	waits, ends := b.add("waits", nil), b.add("ends", nil)
	b.add("later", func(o *queue.Options) { o.Delay = 60_000 })
	b.finish(ends, b.claim(ends, 0), store.Outcome{Status: store.RunFailed, Error: "boom", Final: true})
	b.awaitSeq(ends, 3)
	b.awaitSeq(waits, 1)

	code, _ := b.fetch("/livez")
	require.Equal(t, http.StatusOK, code)
	code, text := b.fetch("/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code, "there is no Temporal in this test")
	require.JSONEq(t, `{"status":"not ready","checks":{"postgres":"up","redis":"up","temporal":"down"}}`, text)

	code, text = b.fetch("/metrics")
	require.Equal(t, http.StatusOK, code)
	for _, pattern := range []string{
		`cinnamon_queue_jobs\{queue="test-execution",state="waiting"\} 1`,
		`cinnamon_queue_jobs\{queue="test-execution",state="delayed"\} 1`,
		`cinnamon_queue_jobs\{queue="cleanup",state="waiting"\} 0`,
		`cinnamon_queue_oldest_job_seconds\{queue="test-execution",state="waiting"\} \d`,
		`cinnamon_outbox_rows\{queue="test-execution"\} 0`,
		`cinnamon_bridge_changes_total\{queue="test-execution"\} 5`,
		`cinnamon_bridge_lag_seconds_count\{queue="test-execution"\} 5`,
		`cinnamon_redis_eviction_policy_wrong\{queue="test-execution"\} 1`,
		`cinnamon_redis_memory_used_bytes\{queue="cleanup"\} \d`,
		`bullmq_job_count\{queue="test-execution",state="waiting"\} 1`,
		`bullmq_job_count\{queue="test-execution",state="delayed"\} 1`,
		`bullmq_job_failed_total\{queue="test-execution"\} 1`,
		`cinnamon_dependency_up\{dependency="temporal"\} 0`,
		`cinnamon_dependency_up\{dependency="redis"\} 1`,
	} {
		require.Regexp(t, pattern, text)
	}
	require.Equal(t, "allkeys-lru", b.rdb.ConfigGet(t.Context(), "maxmemory-policy").Val()["maxmemory-policy"])

	// What clients do counts, and so does what is shown again.
	client := b.clientOf()
	_, err := client.Add(t.Context(), b.def.JobName, map[string]string{"testCaseId": "case", "testRunId": b.id("client")}, bullmq.JobOptions{})
	require.NoError(t, err)
	_, err = client.Add(t.Context(), "unheard-of", map[string]string{}, bullmq.JobOptions{})
	require.NoError(t, err)
	b.await(patience, "the clients' jobs to count", func() bool {
		_, text := b.fetch("/metrics")
		return strings.Contains(text, `cinnamon_bridge_client_jobs_total{queue="test-execution"} 1`) &&
			strings.Contains(text, `cinnamon_bridge_refused_jobs_total{queue="test-execution"} 1`)
	})
	b.flush()
	b.await(patience, "the rebuilding to count", func() bool {
		_, text := b.fetch("/metrics")
		return strings.Contains(text, `cinnamon_bridge_rebuilds_total{queue="test-execution"} 1`)
	})
	own.Kill(t)
	b.await(patience, "Redis to be missing", func() bool {
		_, text := b.fetch("/metrics")
		return strings.Contains(text, `cinnamon_dependency_up{dependency="redis"} 0`) && !strings.Contains(text, "bullmq_job_count")
	})
}
