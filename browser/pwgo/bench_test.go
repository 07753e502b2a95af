package pwgo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser/pwgo"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// BenchmarkSession measures a whole session of four steps: open, navigate,
// change, click, assert, close. Run it with -cpu 1,4 to see one at a time and
// four at a time.
func BenchmarkSession(b *testing.B) {
	pool := pwgo.New(pwgo.Config{})
	if err := pool.Start(b.Context()); err != nil {
		b.Skip(err)
	}
	b.Cleanup(func() { require.NoError(b, pool.Close(context.WithoutCancel(b.Context()))) })
	site := httptest.NewServer(http.FileServerFS(os.DirFS("testdata/site")))
	b.Cleanup(site.Close)
	c, err := testcase.Parse([]byte(`{"title": "bench", "steps": [
		{"type": "navigate", "url": "/"},
		{"type": "change", "selectors": ["aria/Email", "#email"], "value": "a@b.c"},
		{"type": "click", "selectors": ["aria/Add to cart", "#add"]},
		{"type": "customStep", "name": "assertText", "parameters": {"selectors": "#out", "text": "clicked add"}}
	]}`))
	require.NoError(b, err)
	require.NoError(b, runCase(b.Context(), pool, c, site.URL))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := runCase(b.Context(), pool, c, site.URL); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkEgress opens a page with 60 images of 16 KiB, by
// turns past the egress guard and through it, and reports the medians.
func BenchmarkEgress(b *testing.B) {
	image := make([]byte, 16<<10)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path != "/" {
			_, _ = w.Write(image)
			return
		}
		for i := range 60 {
			_, _ = fmt.Fprintf(w, "<img src=/%d>", i)
		}
	}))
	b.Cleanup(site.Close)
	took := map[string][]time.Duration{}
	pools := map[string]*pwgo.Pool{"direct": pwgo.New(pwgo.Config{}), "guarded": pwgo.New(pwgo.Config{Egress: guard("localhost")})}
	for _, pool := range pools {
		if err := pool.Start(b.Context()); err != nil {
			b.Skip(err)
		}
		b.Cleanup(func() { require.NoError(b, pool.Close(context.WithoutCancel(b.Context()))) })
	}
	c, err := testcase.Parse([]byte(`{"title": "bench", "steps": [{"type": "navigate", "url": "/"}]}`))
	require.NoError(b, err)
	for b.Loop() {
		for name, pool := range pools {
			began := time.Now()
			require.NoError(b, runCase(b.Context(), pool, c, site.URL))
			took[name] = append(took[name], time.Since(began))
		}
	}
	for name, times := range took {
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "ms-"+name)
	}
}

func runCase(ctx context.Context, pool *pwgo.Pool, c *testcase.Case, site string) error {
	s, err := pool.Open(ctx, options(site))
	if err != nil {
		return err
	}
	for _, step := range c.Steps {
		if err := s.Do(ctx, step); err != nil {
			return errors.Join(err, s.Close(ctx))
		}
	}
	return s.Close(ctx)
}
