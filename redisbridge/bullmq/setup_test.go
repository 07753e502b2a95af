package bullmq_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/testkit"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

var (
	server   testkit.Redis
	prefixes atomic.Int64
)

func TestMain(m *testing.M) {
	examplesNeedRedis()
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

// base is when the jobs of the tests were added. Times that follow from it are the same in every run.
var base = time.UnixMilli(1_795_390_150_779)

// bundle is one queue under a prefix of its own.
type bundle struct {
	t         testing.TB
	rdb       *redis.Client
	prefix    string
	queue     string
	projector *bullmq.Projector
	keys      bullmq.Keys
}

func setup(tb testing.TB, options ...bullmq.Option) *bundle {
	tb.Helper()
	return setupOn(tb, server.URL(tb), options...)
}

// setupAlone has a server of its own, for what concerns a server as a whole.
func setupAlone(tb testing.TB, options ...bullmq.Option) *bundle {
	tb.Helper()
	own := new(testkit.Redis)
	tb.Cleanup(own.Stop)
	return setupOn(tb, own.URL(tb), options...)
}

func setupOn(tb testing.TB, url string, options ...bullmq.Option) *bundle {
	tb.Helper()
	at, err := redis.ParseURL(url)
	require.NoError(tb, err)
	rdb := redis.NewClient(at)
	tb.Cleanup(func() { require.NoError(tb, rdb.Close()) })
	b := &bundle{t: tb, rdb: rdb, prefix: fmt.Sprintf("t%d", prefixes.Add(1)), queue: "q"}
	b.projector = bullmq.NewProjector(rdb, b.prefix, options...)
	b.keys = b.projector.Keys(b.queue)
	return b
}

// apply expects every change to be shown.
func (b *bundle) apply(changes ...bullmq.Change) {
	b.t.Helper()
	for i, outcome := range b.outcomes(changes...) {
		require.Equal(b.t, bullmq.Projected, outcome, "change %d: %s", i, changes[i].Transition)
	}
}

func (b *bundle) outcomes(changes ...bullmq.Change) []bullmq.Outcome {
	b.t.Helper()
	results, err := b.projector.Apply(b.t.Context(), b.queue, changes)
	require.NoError(b.t, err)
	outcomes := make([]bullmq.Outcome, len(results))
	for i, result := range results {
		outcomes[i] = result.Outcome
		require.Equal(b.t, result.Outcome == bullmq.Refused, result.Err != nil)
	}
	return outcomes
}

// events returns the stream's entries, each as its fields joined by spaces.
func (b *bundle) events() []string {
	b.t.Helper()
	entries, err := b.rdb.Do(b.t.Context(), "XRANGE", b.keys.Events(), "-", "+").Slice()
	require.NoError(b.t, err)
	lines := make([]string, len(entries))
	for i, entry := range entries {
		lines[i] = strings.TrimSuffix(fmt.Sprintln(asList(asList(entry)[1])...), "\n")
	}
	return lines
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

func (b *bundle) forget() {
	b.t.Helper()
	require.NoError(b.t, b.rdb.Del(b.t.Context(), b.keys.Events()).Err())
}

func (b *bundle) list(key string) []string {
	b.t.Helper()
	ids, err := b.rdb.LRange(b.t.Context(), key, 0, -1).Result()
	require.NoError(b.t, err)
	return ids
}

func (b *bundle) set(key string) []string {
	b.t.Helper()
	ids, err := b.rdb.ZRange(b.t.Context(), key, 0, -1).Result()
	require.NoError(b.t, err)
	return ids
}

func (b *bundle) score(key, id string) int64 {
	b.t.Helper()
	score, err := b.rdb.ZScore(b.t.Context(), key, id).Result()
	require.NoError(b.t, err)
	return int64(score)
}

// hash returns a job's hash without the private fields.
func (b *bundle) hash(id string) map[string]string {
	b.t.Helper()
	fields, err := b.rdb.HGetAll(b.t.Context(), b.keys.Job(id)).Result()
	require.NoError(b.t, err)
	for name := range fields {
		if strings.HasPrefix(name, "cn:") {
			delete(fields, name)
		}
	}
	return fields
}

// places returns the collections that hold the id, once per occurrence.
func (b *bundle) places(id string) []string {
	b.t.Helper()
	var found []string
	for _, name := range []string{"wait", "paused", "active"} {
		for _, held := range b.list(b.keys.Base() + name) {
			if held == id {
				found = append(found, name)
			}
		}
	}
	for _, name := range []string{"prioritized", "delayed", "completed", "failed", "waiting-children"} {
		if slices.Contains(b.set(b.keys.Base()+name), id) {
			found = append(found, name)
		}
	}
	return found
}

func (b *bundle) exists(key string) bool {
	b.t.Helper()
	n, err := b.rdb.Exists(b.t.Context(), key).Result()
	require.NoError(b.t, err)
	return n == 1
}

// life plays what keeps the jobs: it makes the changes of one job, in order, each a second after the one before.
type life struct {
	job bullmq.Job
	seq int64
	now time.Time
}

func newLife(id string) *life {
	return &life{now: base, job: bullmq.Job{
		ID: id, Name: "n", Data: json.RawMessage(`{"x":1}`),
		Opts:      json.RawMessage(`{"attempts":2,"backoff":{"type":"fixed","delay":100}}`),
		Timestamp: base, MaxAttempts: 2, State: bullmq.Waiting,
	}}
}

func (l *life) prioritized(priority int) *life {
	l.job.Priority = priority
	return l
}

func (l *life) change(t bullmq.Transition) bullmq.Change {
	l.seq++
	l.now = l.now.Add(time.Second)
	j := l.job
	j.Stacktrace = slices.Clone(j.Stacktrace)
	return bullmq.Change{Job: j, Transition: t, Seq: l.seq}
}

// silent shows the present state and tells nobody.
func (l *life) silent() bullmq.Change {
	return bullmq.Change{Job: l.job, Seq: max(l.seq, 1)}
}

func (l *life) added() bullmq.Change { return l.change(bullmq.Added) }

func (l *life) addedDelayed(delay time.Duration) bullmq.Change {
	l.job.State, l.job.Delay, l.job.DueAt = bullmq.Delayed, delay, l.now.Add(delay)
	return l.change(bullmq.Added)
}

func (l *life) promoted() bullmq.Change {
	l.job.State = bullmq.Waiting
	return l.change(bullmq.Promoted)
}

func (l *life) started() bullmq.Change {
	l.job.State, l.job.ProcessedOn, l.job.ProcessedBy = bullmq.Active, l.now, "wk"
	l.job.AttemptsStarted++
	return l.change(bullmq.Started)
}

func (l *life) stalled() bullmq.Change {
	l.job.State = bullmq.Waiting
	l.job.Stalls++
	return l.change(bullmq.Stalled)
}

func (l *life) attemptFailed(reason string) {
	l.job.AttemptsMade++
	l.job.FailedReason = reason
	l.job.Stacktrace = append(l.job.Stacktrace, "Error: "+reason)
}

func (l *life) retried(reason string) bullmq.Change {
	l.attemptFailed(reason)
	l.job.State = bullmq.Waiting
	return l.change(bullmq.Retried)
}

func (l *life) backedOff(reason string, delay time.Duration) bullmq.Change {
	l.attemptFailed(reason)
	l.job.State, l.job.Delay, l.job.DueAt = bullmq.Delayed, delay, l.now.Add(delay)
	return l.change(bullmq.BackedOff)
}

func (l *life) completed(value string) bullmq.Change {
	l.job.AttemptsMade++
	l.job.State, l.job.FinishedOn, l.job.ReturnValue = bullmq.Completed, l.now, json.RawMessage(value)
	return l.change(bullmq.Succeeded)
}

func (l *life) failed(reason string) bullmq.Change {
	l.attemptFailed(reason)
	l.job.State, l.job.FinishedOn = bullmq.Failed, l.now
	return l.change(bullmq.Exhausted)
}

func (l *life) removed() bullmq.Change { return l.change(bullmq.Removed) }
