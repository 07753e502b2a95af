package bullmq_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// O and D are options and data as clients write them.
type (
	O = map[string]any
	D = map[string]any
)

// scenario is a piece of a queue's life that a worker takes part in.
type scenario struct {
	name string
	// before happens before the worker starts, while it runs.
	before, while func(s *stage)
	// real and ours set up the worker, alike.
	real O
	ours bullmq.WorkerOptions
	// delayed jobs and ids that stay in wait and prioritized are what an idle queue still holds.
	delayed, left int
	// stays says that the queue is paused in the end, so that nobody takes the marker.
	stays bool
}

// stage is one run of a scenario, on a queue of its own.
type stage struct {
	*node
	b *bundle
}

func (s *stage) addJob(name string, data D, opts O) string {
	return s.add(s.b.queue, name, data, opts)
}

func (s *stage) call(method string, args ...any) {
	s.ask(nil, "queue", append([]any{s.b.queue, method}, args...)...)
}

func (s *stage) on(id, method string, args ...any) {
	s.ask(nil, "job", append([]any{s.b.queue, id, method}, args...)...)
}

// rest waits until the worker has nothing left to do.
func (s *stage) rest(delayed, left int, marked bool) {
	s.b.t.Helper()
	k := s.b.keys
	eventually(s.b.t, "the queue "+s.b.queue+" rests", func() bool {
		pipe := s.b.rdb.TxPipeline()
		wait, active := pipe.LLen(s.b.t.Context(), k.Wait()), pipe.LLen(s.b.t.Context(), k.Active())
		paused := pipe.LLen(s.b.t.Context(), k.Paused())
		prioritized, waiting := pipe.ZCard(s.b.t.Context(), k.Prioritized()), pipe.ZCard(s.b.t.Context(), k.Delayed())
		marker := pipe.ZCard(s.b.t.Context(), k.Marker())
		_, err := pipe.Exec(s.b.t.Context())
		require.NoError(s.b.t, err)
		return wait.Val()+paused.Val()+prioritized.Val() == int64(left) && active.Val() == 0 &&
			waiting.Val() == int64(delayed) && (marked || marker.Val() == 0)
	})
}

// TestWorkerEqualsTheRealOne lets BullMQ's own worker and ours live through the same, with the real client on both
// sides. Then both queues hold the same keys, and told their listeners the same.
func TestWorkerEqualsTheRealOne(t *testing.T) {
	t.Parallel()
	for _, library := range []string{"bullmq6", "bullmq5"} {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			client := newNode(t, b, library)
			for _, sc := range scenarios() {
				t.Run(sc.name, func(t *testing.T) {
					theirs := runScenario(t, b, client, sc, "theirs")
					ours := runScenario(t, b, client, sc, "ours")
					for _, d := range workerDifferences {
						d.even(theirs, ours)
					}
					require.Equal(t, theirs.events, ours.events)
					require.Equal(t, theirs.keys, ours.keys)
				})
			}
		})
	}
}

func runScenario(t *testing.T, b *bundle, client *node, sc scenario, side string) portrait {
	t.Helper()
	own := *b
	own.t, own.queue = t, sc.name+"-"+side
	own.keys = bullmq.NewKeys(b.prefix, own.queue)
	s := &stage{node: client, b: &own}
	s.ask(nil, "ready", own.queue)
	eventually(t, "the client has written the queue's settings", func() bool { return own.exists(own.keys.Meta()) })
	if sc.before != nil {
		sc.before(s)
	}
	stop := func() { s.ask(nil, "stop", own.queue) }
	if side == "theirs" {
		s.ask(nil, "start", own.queue, sc.real)
	} else {
		o := sc.ours
		o.Name = "wk"
		o.OnError = func(err error) { t.Log(own.queue, err) }
		stop = own.work(obey, o)
	}
	eventually(t, "the worker has begun", func() bool { return own.exists(own.keys.Base() + "stalled-check") })
	if sc.while != nil {
		sc.while(s)
	}
	s.rest(sc.delayed, sc.left, sc.stays)
	seen := own.portrait()
	stop()
	return seen
}

// portrait is all that a queue holds, without what differs from run to run.
type portrait struct {
	keys   map[string]any
	events []string
}

func (b *bundle) portrait() portrait {
	ctx, keys := b.t.Context(), map[string]any{}
	names, err := b.rdb.Keys(ctx, b.keys.Base()+"*").Result()
	require.NoError(b.t, err)
	slices.Sort(names)
	for _, key := range names {
		name := b.timeless(strings.TrimPrefix(key, b.keys.Base()))
		var value any
		switch kind := b.rdb.Type(ctx, key).Val(); kind {
		case "hash":
			value = b.timelessHash(b.rdb.HGetAll(ctx, key).Val())
		case "list":
			value = b.timelessAll(b.list(key))
		case "set":
			members := b.rdb.SMembers(ctx, key).Val()
			slices.Sort(members)
			value = b.timelessAll(members)
		case "zset":
			members := b.timelessScores(b.rdb.ZRangeWithScores(ctx, key, 0, -1).Val())
			if name == "completed" || name == "failed" { // jobs that end in the same millisecond have no order
				slices.Sort(members)
			}
			value = members
		case "string":
			value = b.timeless(b.rdb.Get(ctx, key).Val())
		case "stream":
			continue
		default:
			require.Equal(b.t, "none", kind, key)
			continue
		}
		lasting := b.rdb.PTTL(ctx, key).Val() < 0
		for n := 2; keys[name] != nil; n++ {
			name = fmt.Sprintf("%s #%d", strings.TrimSuffix(name, fmt.Sprintf(" #%d", n-1)), n)
		}
		keys[name] = []any{lasting, value}
	}
	return portrait{keys: keys, events: b.timelessAll(b.events())}
}

var (
	times  = regexp.MustCompile(`\b1[789]\d{11}(\.\d+)?\b`)
	scores = regexp.MustCompile(`\b7\d{15}\b`)
)

// timeless replaces times, and what names the queue.
func (b *bundle) timeless(text string) string {
	text = strings.ReplaceAll(text, strings.TrimSuffix(b.keys.Base(), ":"), "QUEUE")
	text = strings.ReplaceAll(text, b.queue, "NAME")
	return scores.ReplaceAllString(times.ReplaceAllString(text, "TIME"), "SCORE")
}

func (b *bundle) timelessAll(texts []string) []string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = b.timeless(text)
	}
	return all
}

func (b *bundle) timelessScores(members []redis.Z) []string {
	all := make([]string, len(members))
	for i, z := range members {
		all[i] = b.timeless(fmt.Sprintf("%v %s", z.Member, strconv.FormatFloat(z.Score, 'f', -1, 64)))
	}
	return all
}

// timelessHash compares JSON by what it says, and of stack traces only what was thrown.
func (b *bundle) timelessHash(hash map[string]string) map[string]any {
	all := map[string]any{}
	for field, text := range maps.All(hash) {
		var value any
		if slices.Contains([]string{"data", "opts", "stacktrace", "progress", "returnvalue", "parent"}, field) &&
			json.Unmarshal([]byte(text), &value) == nil {
			if stacks, ok := value.([]any); ok && field == "stacktrace" {
				for i, stack := range stacks {
					stacks[i], _, _ = strings.Cut(fmt.Sprint(stack), "\n")
				}
			}
			if opts, ok := value.(map[string]any); ok && opts["repeat"] != nil && opts["delay"] != 0.0 {
				opts["delay"] = "REST" // how long it was to the next slot
			}
			canonical, err := json.Marshal(value)
			require.NoError(b.t, err)
			text = string(canonical)
		}
		if field == "offset" || field == "delay" && (hash["rjk"] != "" && text != "0" || len(text) > 5) { // how long it was to a time
			text = "REST"
		}
		all[b.timeless(field)] = b.timeless(text)
	}
	return all
}

// until waits until a job is in a state.
func (s *stage) until(id, place string) {
	eventually(s.b.t, id+" is "+place, func() bool { return slices.Contains(s.b.places(id), place) })
}

// died leaves a job as a worker does that dies: active, marked by the last check, with a lock that has expired.
func (s *stage) died() string {
	var id string
	s.ask(&id, "take", s.b.queue)
	require.NoError(s.b.t, s.b.rdb.Del(s.b.t.Context(), s.b.keys.Lock(id)).Err())
	require.NoError(s.b.t, s.b.rdb.SAdd(s.b.t.Context(), s.b.keys.Stalled(), id).Err())
	return id
}

// field writes one field of one of the queue's hashes.
func (s *stage) field(key, field string, value any) {
	require.NoError(s.b.t, s.b.rdb.HSet(s.b.t.Context(), s.b.keys.Base()+key, field, value).Err())
}

func ago(d time.Duration) int64 { return time.Now().Add(-d).UnixMilli() }

func keepNewest(n int) *bullmq.Keep {
	keep := bullmq.KeepNewest(n)
	return &keep
}
