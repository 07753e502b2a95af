package bullmq_test

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// TestProjectionEqualsTheRealWorker lets the real queue and worker take jobs through their lives and projects each step
// to a second queue. After every step both queues hold the same keys and told their listeners the same.
func TestProjectionEqualsTheRealWorker(t *testing.T) {
	t.Parallel()
	for _, library := range []string{"bullmq6", "bullmq5"} {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t, bullmq.WithMetrics(100))
			p := &pair{t: t, real: b, judge: newJudge(t, b, library), shown: "shown", seq: map[string]int64{}}

			a := p.add("a", `{"x":1}`, `{}`)
			p.take(a)
			p.progress(a, `{"p":1}`)
			p.complete(a, `{"ok":true}`)

			c := p.add("b", `{}`, `{"attempts":3,"backoff":{"type":"fixed","delay":60000}}`)
			for i := range 2 {
				p.take(c)
				p.fail(c, "e"+strconv.Itoa(i), bullmq.BackedOff, bullmq.Delayed)
				p.promote(c)
			}
			p.take(c)
			p.fail(c, "e2", bullmq.Exhausted, bullmq.Failed)

			d := p.add("c", `{}`, `{"attempts":2,"priority":5}`)
			e := p.add("c2", `{}`, `{"priority":1}`)
			p.take(e)
			p.complete(e, `"first"`)
			p.take(d)
			p.fail(d, "z", bullmq.Retried, bullmq.Waiting)
			p.take(d)
			p.complete(d, `7`)

			f := p.add("d", `{}`, `{"delay":60000,"priority":4}`)
			g := p.add("g", `{}`, `{"delay":50000}`)
			p.promote(f)
			p.promote(g)
			p.take(g)
			p.complete(g, `null`)
			p.take(f)
			p.complete(f, `[]`)

			h := p.add("l1", `{}`, `{"attempts":2}`)
			i := p.add("l2", `{}`, `{"lifo":true,"attempts":2}`)
			p.take(i)
			p.fail(i, "again", bullmq.Retried, bullmq.Waiting)
			p.take(i)
			p.complete(i, `1`)
			p.take(h)
			p.fail(h, "again", bullmq.Retried, bullmq.Waiting)
			p.take(h)
			p.complete(h, `1`)

			for _, keep := range []string{"2", "true", `{"count":3}`, `{"age":3600}`, `{"age":3600,"limit":2}`} {
				p.expire(3)
				last := p.add("r", `{}`, `{"removeOnComplete":`+keep+`}`)
				p.take(last)
				p.complete(last, `1`)
			}
		})
	}
}

// pair is a queue that the real library works on, and one beside it that shows the same.
type pair struct {
	t     *testing.T
	real  *bundle
	judge *judge
	shown string
	seq   map[string]int64
}

func (p *pair) add(name, data, opts string) string {
	var job seen
	p.judge.ask(&job, "queue", "add", name, json.RawMessage(data), json.RawMessage(opts))
	state := bullmq.Waiting
	if strings.Contains(opts, `"delay":`) && !strings.Contains(opts, "backoff") {
		state = bullmq.Delayed
	}
	p.project(job.ID, bullmq.Added, state)
	return job.ID
}

// expire puts jobs on both queues that ended long ago.
func (p *pair) expire(n int) {
	for _, queue := range []string{p.real.queue, p.shown} {
		keys := p.real.projector.Keys(queue)
		for i := range n {
			id := "old-" + strconv.Itoa(i)
			require.NoError(p.t, p.real.rdb.HSet(p.t.Context(), keys.Job(id), "name", "n", "data", "{}", "opts", "{}").Err())
			ended := redis.Z{Score: float64(base.AddDate(-1, 0, 0).UnixMilli() + int64(i)), Member: id}
			require.NoError(p.t, p.real.rdb.ZAdd(p.t.Context(), keys.Completed(), ended).Err())
		}
	}
}

func (p *pair) take(id string) {
	p.t.Helper()
	var taken string
	p.judge.ask(&taken, "take")
	require.Equal(p.t, id, taken)
	p.project(id, bullmq.Started, bullmq.Active)
}

func (p *pair) progress(id, value string) {
	p.judge.ask(nil, "progress", json.RawMessage(value))
	shown, err := p.real.projector.Progress(p.t.Context(), p.shown,
		[]bullmq.Progress{{JobID: id, Attempt: 1, Value: json.RawMessage(value)}})
	require.NoError(p.t, err)
	require.Equal(p.t, []bool{true}, shown)
	p.compare()
}

func (p *pair) promote(id string) {
	p.judge.ask(nil, "job", id, "promote")
	p.project(id, bullmq.Promoted, bullmq.Waiting)
}

func (p *pair) fail(id, reason string, transition bullmq.Transition, state bullmq.State) {
	p.judge.ask(nil, "fail", reason)
	p.project(id, transition, state)
}

func (p *pair) complete(id, value string) {
	p.judge.ask(nil, "complete", json.RawMessage(value))
	p.project(id, bullmq.Succeeded, bullmq.Completed)
}

// project shows the job as the real queue has it, and compares the queues.
func (p *pair) project(id string, transition bullmq.Transition, state bullmq.State) {
	p.t.Helper()
	p.seq[id]++
	job := p.read(id)
	job.State = state
	if state == bullmq.Delayed {
		job.DueAt = time.UnixMilli(p.real.score(p.real.keys.Delayed(), id) / 4096)
	}
	results, err := p.real.projector.Apply(p.t.Context(), p.shown, []bullmq.Change{{
		Job: job, Transition: transition, Seq: p.seq[id], Lock: bullmq.Lock{Token: "token", TTL: 30 * time.Second},
	}})
	require.NoError(p.t, err)
	require.NoError(p.t, results[0].Err)
	require.Equal(p.t, bullmq.Projected, results[0].Outcome)
	p.compare()
}

// read makes a Job of a job's hash. One that was deleted at its end is the one shown, with what its end changes.
func (p *pair) read(id string) bullmq.Job {
	hash := p.real.hash(id)
	deleted := len(hash) == 0
	if deleted {
		hash = p.side(p.shown).hash(id)
		hash["atm"], hash["finishedOn"], hash["returnvalue"] = "1", hash["processedOn"], "1"
	}
	number := func(name string) int {
		n, _ := strconv.Atoi(hash[name])
		return n
	}
	at := func(name string) time.Time {
		if hash[name] == "" {
			return time.Time{}
		}
		return time.UnixMilli(int64(number(name)))
	}
	job := bullmq.Job{
		ID: id, Name: hash["name"], Data: json.RawMessage(hash["data"]), Opts: json.RawMessage(hash["opts"]),
		Timestamp: at("timestamp"), Delay: time.Duration(number("delay")) * time.Millisecond, Priority: number("priority"),
		AttemptsStarted: number("ats"), AttemptsMade: number("atm"), ProcessedOn: at("processedOn"),
		FinishedOn: at("finishedOn"), ProcessedBy: hash["pb"], Progress: json.RawMessage(hash["progress"]),
		ReturnValue: json.RawMessage(hash["returnvalue"]), FailedReason: hash["failedReason"],
	}
	if hash["stacktrace"] != "" {
		require.NoError(p.t, json.Unmarshal([]byte(hash["stacktrace"]), &job.Stacktrace))
	}
	var opts struct {
		Attempts         int         `json:"attempts"`
		LIFO             bool        `json:"lifo"`
		RemoveOnComplete bullmq.Keep `json:"removeOnComplete"`
	}
	require.NoError(p.t, json.Unmarshal(job.Opts, &opts))
	job.MaxAttempts, job.LIFO, job.KeepCompleted = opts.Attempts, opts.LIFO, opts.RemoveOnComplete
	return job
}

func (p *pair) side(queue string) *bundle {
	side := *p.real
	side.queue, side.keys = queue, p.real.projector.Keys(queue)
	return &side
}

func (p *pair) compare() {
	p.t.Helper()
	shown := p.side(p.shown)
	require.Equal(p.t, p.real.events(), shown.events())
	require.Equal(p.t, p.keysOf(p.real), p.keysOf(shown))
}

// keysOf returns all that a queue holds but its stream, its settings, and what only Cinnamon writes.
func (p *pair) keysOf(b *bundle) map[string]any {
	ctx, all := p.t.Context(), map[string]any{}
	names, err := b.rdb.Keys(ctx, b.keys.Base()+"*").Result()
	require.NoError(p.t, err)
	for _, key := range names {
		name := strings.TrimPrefix(key, b.keys.Base())
		switch b.rdb.Type(ctx, key).Val() {
		case "hash":
			all[name] = maps.Clone(b.hash(name))
		case "list":
			all[name] = b.list(key)
		case "zset":
			all[name] = b.rdb.ZRangeWithScores(ctx, key, 0, -1).Val()
		case "string":
			all[name] = b.rdb.Get(ctx, key).Val()
		}
	}
	delete(all, "meta")
	delete(all, "waiting")
	delete(all, "stalled-check")
	return all
}
