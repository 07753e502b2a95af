package redisbridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/testkit"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

const (
	// patience is for whatever is to happen.
	patience = 20 * time.Second
	tick     = 5 * time.Millisecond
)

var (
	shared   testkit.Redis
	database testkit.Postgres
	prefixes atomic.Int64
)

func TestMain(m *testing.M) {
	code := m.Run()
	shared.Stop()
	database.Stop()
	os.Exit(testkit.NoLeaks(code))
}

// bundle is one database, and one prefix of a Redis, with what writes to the former and looks into the latter.
type bundle struct {
	t       *testing.T
	cfg     config.Config
	def     queue.Definition
	records *postgres.Store
	rdb     redis.UniversalClient
	keys    bullmq.Keys
	log     *logged
}

// setup shares its Redis with other tests.
func setup(t *testing.T) *bundle {
	t.Helper()
	return setupOn(t, shared.URL(t), "")
}

// setupAlone has a Redis of its own, to take away.
func setupAlone(t *testing.T) (*bundle, *testkit.Redis) {
	t.Helper()
	own := new(testkit.Redis)
	t.Cleanup(own.Stop)
	return setupOn(t, own.URL(t), ""), own
}

// setupOn takes a parameter to add to the database's address.
func setupOn(t *testing.T, redisURL, parameter string) *bundle {
	t.Helper()
	prefix := fmt.Sprintf("t%d", prefixes.Add(1))
	return setupBy(t, connect(t, redisURL), parameter, "REDIS_URL="+redisURL, "QUEUE_PREFIX="+prefix)
}

// setupBy looks into Redis by connections of its own, and has variables that lead the bridge there.
func setupBy(t *testing.T, rdb redis.UniversalClient, parameter string, variables ...string) *bundle {
	t.Helper()
	address := database.Database(t)
	require.NoError(t, postgres.Migrate(t.Context(), address))
	at, err := url.Parse(address)
	require.NoError(t, err)
	at.RawQuery = strings.Trim(at.RawQuery+"&"+parameter, "&")
	cfg, err := config.Load(append(variables, "DATABASE_URL="+at.String()))
	require.NoError(t, err)
	records, err := postgres.Open(t.Context(), cfg.Database.URL.Reveal(), 4)
	require.NoError(t, err)
	t.Cleanup(records.Close)
	def, ok := queue.Find(queue.TestExecution)
	require.True(t, ok)
	return &bundle{
		t: t, cfg: cfg, def: def, records: records, rdb: rdb, keys: bullmq.NewKeys(cfg.Queue.Prefix, def.Name), log: new(logged),
	}
}

func connect(t *testing.T, redisURL string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(redisURL)
	require.NoError(t, err)
	rdb := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	return rdb
}

// logged is what was logged.
type logged struct{ testkit.Output }

func (l *logged) count(words string) int { return strings.Count(l.String(), words) }

// of counts the lines about a queue.
func (l *logged) of(queueName, words string) int {
	n := 0
	for line := range strings.Lines(l.String()) {
		if strings.Contains(strings.TrimSpace(line)+" ", "queue="+queueName+" ") && strings.Contains(line, words) {
			n++
		}
	}
	return n
}

func (b *bundle) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b.log, nil)) }

// bridge runs a bridge until the returned function is called, or the test ends.
func (b *bundle) bridge() (stop func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error, 1)
	ready := make(chan struct{})
	go func() { ended <- redisbridge.Run(ctx, b.cfg, b.logger(), func() { close(ready) }) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			require.NoError(b.t, err)
		case <-time.After(patience):
			require.Fail(b.t, "the bridge does not stop")
		}
	})
	b.t.Cleanup(stop)
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		require.NoError(b.t, err, "the bridge ended")
	}
	return stop
}

// settled runs a bridge that has found its Redis empty and goes on from there.
func (b *bundle) settled() (stop func()) {
	b.t.Helper()
	stop = b.bridge()
	b.await(patience, "the epoch is marked", func() bool { return b.epoch() != "" })
	return stop
}

// epoch is the mark of a Redis that has kept its data.
func (b *bundle) epoch() string {
	b.t.Helper()
	return b.rdb.Get(b.t.Context(), b.keys.Epoch()).Val()
}

func (b *bundle) publisher() *redisbridge.Publisher {
	b.t.Helper()
	p, err := redisbridge.NewPublisher(b.t.Context(), b.cfg, b.logger())
	require.NoError(b.t, err)
	return p
}

// id makes a name that no other test uses: progress keys have no prefix.
func (b *bundle) id(name string) string { return strings.Trim(b.cfg.Queue.Prefix, "{}") + "-" + name }

// add creates a run with its job.
func (b *bundle) add(name string, change func(*queue.Options)) string {
	b.t.Helper()
	o := queue.Options{
		Attempts: 2, Backoff: &queue.Backoff{Type: "fixed", Delay: 60_000},
		RemoveOnComplete: b.cfg.Queue.RemoveOnComplete, RemoveOnFail: b.cfg.Queue.RemoveOnFail,
	}
	if change != nil {
		change(&o)
	}
	id := b.id(name)
	_, added := queue.New(b.def, id, json.RawMessage(`{"testRunId":"`+id+`"}`), o, now())
	b.create(added)
	return id
}

func (b *bundle) create(added queue.Change) {
	b.t.Helper()
	_, created, err := b.records.CreateRun(b.t.Context(), store.NewRun{
		Run: store.Run{
			ID: added.Job.ID, TestCaseID: "inline-case", Title: "A case", MaxAttempts: added.Job.Options.Attempts,
			WorkflowID: b.def.WorkflowID(added.Job.ID), CreatedAt: added.Job.CreatedAt,
		},
		Definition: json.RawMessage(`{"title":"A case","steps":[]}`), WorkflowInput: json.RawMessage(`{}`), Added: added,
	})
	require.NoError(b.t, err)
	require.True(b.t, created)
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func (b *bundle) claim(id string, made int) (attempt int) {
	b.t.Helper()
	c, err := b.records.ClaimAttempt(b.t.Context(), b.def.Name, id, "worker-1", made, now(), nil)
	require.NoError(b.t, err)
	return c.Attempt
}

func (b *bundle) finish(id string, attempt int, o store.Outcome) {
	b.t.Helper()
	_, err := b.records.FinishAttempt(b.t.Context(), b.def.Name, id, attempt, o, now())
	require.NoError(b.t, err)
}

// pass carries a run out.
func (b *bundle) pass(id string) {
	b.t.Helper()
	b.finish(id, b.claim(id, 0), store.Outcome{
		Status: store.RunCompleted, Result: json.RawMessage(`{"status":"completed"}`), Progress: record(100),
	})
}

// record is a progress record.
func record(percentage int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"percentage":%d}`, percentage))
}

// await waits until done says so.
func (b *bundle) await(within time.Duration, what string, done func() bool) {
	b.t.Helper()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	late := time.After(within)
	for !done() {
		select {
		case <-ticker.C:
		case <-late:
			require.Fail(b.t, "waited in vain until "+what)
		}
	}
}

// awaitSeq waits until the job's changes up to the one with this number are shown.
func (b *bundle) awaitSeq(id string, seq int64) {
	b.t.Helper()
	b.await(patience, fmt.Sprintf("change %d of %s is shown", seq, id), func() bool {
		shown, err := b.rdb.HGet(b.t.Context(), b.keys.Job(id), "cn:ev").Int64()
		return err == nil && shown >= seq
	})
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

func (b *bundle) field(id, name string) string {
	b.t.Helper()
	value, err := b.rdb.HGet(b.t.Context(), b.keys.Job(id), name).Result()
	require.NoError(b.t, err)
	return value
}

// events returns what listeners were told, as "name id".
func (b *bundle) events() []string {
	b.t.Helper()
	var told []string
	for _, e := range b.stream() {
		told = append(told, strings.TrimSpace(fmt.Sprint(e["event"], " ", or(e["jobId"], ""))))
	}
	return told
}

// progressTold returns the progress that listeners were told of a run.
func (b *bundle) progressTold(id string) []string {
	b.t.Helper()
	var told []string
	for _, e := range b.stream() {
		if e["event"] == "progress" && e["jobId"] == id {
			told = append(told, fmt.Sprint(e["data"]))
		}
	}
	return told
}

func (b *bundle) stream() []map[string]any {
	b.t.Helper()
	entries, err := b.rdb.XRange(b.t.Context(), b.keys.Events(), "-", "+").Result()
	require.NoError(b.t, err)
	values := make([]map[string]any, len(entries))
	for i, e := range entries {
		values[i] = e.Values
	}
	return values
}

func or(value, otherwise any) any {
	if value == nil {
		return otherwise
	}
	return value
}

// channel is what a run's subscribers hear.
type channel struct {
	b    *bundle
	name string
	sub  *redis.PubSub
}

func (b *bundle) subscribe(id string) *channel {
	b.t.Helper()
	sub := b.rdb.Subscribe(b.t.Context(), "progress:"+id)
	b.t.Cleanup(func() { require.NoError(b.t, sub.Close()) })
	_, err := sub.Receive(b.t.Context())
	require.NoError(b.t, err)
	return &channel{b: b, name: "progress:" + id, sub: sub}
}

// heard returns all messages until now.
func (c *channel) heard() []string {
	c.b.t.Helper()
	const end = "that is all"
	require.NoError(c.b.t, c.b.rdb.Publish(c.b.t.Context(), c.name, end).Err())
	ctx, cancel := context.WithTimeout(c.b.t.Context(), patience)
	defer cancel()
	var all []string
	for {
		m, err := c.sub.ReceiveMessage(ctx)
		require.NoError(c.b.t, err)
		if m.Payload == end {
			return all
		}
		all = append(all, m.Payload)
	}
}
