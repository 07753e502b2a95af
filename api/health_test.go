package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/health"
)

// get asks without a body, as load balancers do, and returns status and words.
func get(ctx context.Context, h http.Handler, target string) (int, map[string]any) {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	r.Header.Set("X-API-Key", key)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var answer map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &answer) // an empty answer fails the test that reads it
	return w.Code, answer
}

// counted is a service that takes its time; down says that it fails.
func counted(probes *atomic.Int32, down *atomic.Bool) health.Check {
	return health.Check{Name: "postgres", Required: true, Probe: func(ctx context.Context) (string, error) {
		probes.Add(1)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return "", ctx.Err()
		}
		if down.Load() {
			return "", errors.New("connection refused")
		}
		return "", nil
	}}
}

func TestFloodIsOneProbeASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var probes atomic.Int32
		var down atomic.Bool
		b := setup(t, counted(&probes, &down))
		flood := func(want int) {
			var all sync.WaitGroup
			for i := range 50 {
				all.Go(func() {
					code, _ := get(t.Context(), b, []string{"/readyz", "/api/health"}[i%2])
					if code != want {
						t.Errorf("status %d, want %d", code, want)
					}
				})
			}
			all.Wait()
		}
		flood(http.StatusOK)
		require.EqualValues(t, 1, probes.Load())

		// What was found holds for a second, and no longer.
		down.Store(true)
		<-time.After(990 * time.Millisecond)
		flood(http.StatusOK)
		require.EqualValues(t, 1, probes.Load())
		<-time.After(10 * time.Millisecond)
		flood(http.StatusServiceUnavailable)
		require.EqualValues(t, 2, probes.Load())

		<-time.After(time.Second)
		down.Store(false)
		code, answer := get(t.Context(), b, "/api/health")
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, map[string]any{"postgres": map[string]any{"status": "up", "required": true, "latency": 100.0}}, answer["checks"])
		require.EqualValues(t, 3, probes.Load())
	})
}

func TestProbeOutlivesWhoAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var probes atomic.Int32
		var down atomic.Bool
		b := setup(t, counted(&probes, &down))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		code, _ := get(ctx, b, "/readyz")
		require.Equal(t, http.StatusServiceUnavailable, code)
		require.Equal(t, 50*time.Millisecond, time.Since(began))
		code, _ = get(t.Context(), b, "/readyz")
		require.Equal(t, http.StatusOK, code)
		require.EqualValues(t, 1, probes.Load())
	})
}

func TestServiceThatHangsIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := health.Check{Name: "redis", Probe: func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}}
		b := setup(t, hangs)
		began := time.Now()
		code, answer := get(t.Context(), b, "/api/health")
		require.Equal(t, 2*time.Second, time.Since(began))
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, "degraded", answer["status"])
		code, answer = get(t.Context(), b, "/readyz")
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, map[string]any{"redis": "down"}, answer["checks"])
	})
}

func TestMetricsWantTheKeyAndCountRoutes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ask := func(withKey bool) (int, string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
		if withKey {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	code, _ := ask(false)
	require.Equal(t, http.StatusUnauthorized, code)
	for _, target := range []string{"/api/test-runs/a", "/api/test-runs/b", "/nowhere/c"} {
		get(t.Context(), b, target)
	}
	code, text := ask(true)
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, text, `cinnamon_http_requests_total{code="404",method="GET",route="none"} 1`)
	require.Regexp(t, `cinnamon_http_requests_total\{code="\d+",method="GET",route="/api/test-runs/:id"\} 2`, text)
	require.Contains(t, text, `cinnamon_build_info{role="api"`)
	require.NotContains(t, text, "test-runs/a")
}
