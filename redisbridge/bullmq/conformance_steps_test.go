package bullmq_test

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"
	"time"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// conformance are the scripts that are played on both sides, by what they are about. Some depend on the library that
// plays the other side.
func conformance() map[string]func(library string) []step {
	return map[string]func(library string) []step{
		"add": addSteps, "deduplication": deduplicationSteps, "control": controlSteps, "retry": retrySteps,
		"clean": cleanSteps, "limits": limitSteps, "obliterate": obliterateSteps, "schedulers": schedulerSteps,
		"iterations": iterationSteps,
	}
}

// past is when jobs are added whose times must be equal to the millisecond.
const past = 1700000000000

type js = map[string]any

// adding adds a job on both sides: in JavaScript's words and in ours.
func adding(name string, data any, theirs js, ours bullmq.JobOptions) step {
	theirs = maps.Clone(theirs)
	if theirs == nil {
		theirs = js{}
	}
	if _, given := theirs["timestamp"]; !given {
		theirs["timestamp"] = past
		ours.Timestamp = time.UnixMilli(past)
	}
	return step{
		name:   "add " + name,
		theirs: []any{"queue", "add", name, data, theirs},
		ours: func(ctx context.Context, q *bullmq.Queue) error {
			_, err := q.Add(ctx, name, data, ours)
			return err
		},
	}
}

// calling calls a method of the queue on both sides.
func calling(method string, args []any, ours func(ctx context.Context, q *bullmq.Queue) error) step {
	return step{name: method, theirs: append([]any{"queue", method}, args...), ours: ours}
}

// onJob calls a method of a job on both sides.
func onJob(id, method string, args []any, ours func(ctx context.Context, q *bullmq.Queue) error) step {
	return step{name: method + " " + id, theirs: append([]any{"job", id, method}, args...), ours: ours}
}

// working is what the real worker does on both sides.
func working(question string, args ...any) step {
	return step{name: question, theirs: append([]any{question}, args...)}
}

func pause() step {
	return calling("pause", nil, func(ctx context.Context, q *bullmq.Queue) error { return q.Pause(ctx) })
}

func resume() step {
	return calling("resume", nil, func(ctx context.Context, q *bullmq.Queue) error { return q.Resume(ctx) })
}

func removing(id string) step {
	return calling("remove", []any{id}, func(ctx context.Context, q *bullmq.Queue) error { return q.Remove(ctx, id) })
}

func addSteps(string) []step {
	second := time.Second
	steps := []step{
		adding("standard", js{"testCaseId": "tc", "n": 1.5, "list": []int{}}, nil, bullmq.JobOptions{}),
		adding("again", json.RawMessage(`"text"`), nil, bullmq.JobOptions{}),
		adding("null", json.RawMessage(`null`), nil, bullmq.JobOptions{}),
		adding("lifo", js{}, js{"lifo": true}, bullmq.JobOptions{LIFO: true}),
		adding("p5", js{}, js{"priority": 5}, bullmq.JobOptions{Priority: 5}),
		adding("p5 again", js{}, js{"priority": 5, "lifo": true}, bullmq.JobOptions{Priority: 5, LIFO: true}),
		adding("p1", js{}, js{"priority": 1}, bullmq.JobOptions{Priority: 1}),
		adding("negative", js{}, js{"priority": -3}, bullmq.JobOptions{Priority: -3}),
		adding("highest", js{}, js{"priority": 1<<21 - 1}, bullmq.JobOptions{Priority: 1<<21 - 1}),
		adding("too high", js{}, js{"priority": 1 << 21}, bullmq.JobOptions{Priority: 1 << 21}).failing(),
		adding("delayed", js{}, js{"delay": 1e9}, bullmq.JobOptions{Delay: 1e6 * second}),
		adding("delayed too", js{}, js{"delay": 1e9, "priority": 7}, bullmq.JobOptions{Delay: 1e6 * second, Priority: 7}),
		adding("delayed less", js{}, js{"delay": 1500}, bullmq.JobOptions{Delay: 1500 * time.Millisecond}),
		adding("in the past", js{}, js{"delay": -5}, bullmq.JobOptions{Delay: -5 * time.Millisecond}),
		adding("named", js{}, js{"jobId": "own"}, bullmq.JobOptions{JobID: "own"}),
		adding("named again", js{"b": 2}, js{"jobId": "own", "priority": 3}, bullmq.JobOptions{JobID: "own", Priority: 3}),
		adding("all options", js{}, js{
			"attempts": 4, "backoff": 500, "keepLogs": 5, "stackTraceLimit": 2, "sizeLimit": 1000,
			"removeOnComplete": js{"age": 3600, "count": 10}, "removeOnFail": true, "timestamp": 1700000000123,
		}, bullmq.JobOptions{
			Attempts: 4, Backoff: &bullmq.Backoff{Type: bullmq.FixedBackoff, Delay: 500 * time.Millisecond},
			KeepLogs: new(5), StackTraceLimit: new(2), SizeLimit: 1000,
			RemoveOnComplete: new(bullmq.Keep{Age: time.Hour, Count: new(10)}), RemoveOnFail: new(bullmq.KeepNewest(0)),
			Timestamp: time.UnixMilli(1700000000123),
		}),
		adding("more options", js{}, js{
			"backoff":          js{"type": "exponential", "delay": 2000, "jitter": 0.5},
			"removeOnComplete": js{"age": 60, "limit": 5}, "removeOnFail": 50,
		}, bullmq.JobOptions{
			Backoff:          &bullmq.Backoff{Type: bullmq.ExponentialBackoff, Delay: 2 * second, Jitter: 0.5},
			RemoveOnComplete: new(bullmq.Keep{Age: time.Minute, Limit: 5}), RemoveOnFail: new(bullmq.KeepNewest(50)),
		}),
		adding("keeping all", js{}, js{"removeOnComplete": false}, bullmq.JobOptions{RemoveOnComplete: bullmq.KeepAll()}),
		adding("too large", js{"s": "more than ten"}, js{"sizeLimit": 10}, bullmq.JobOptions{SizeLimit: 10}).failing(),
		adding("now", js{}, js{"timestamp": nil}, bullmq.JobOptions{}),
		adding("in an hour", js{}, js{"timestamp": nil, "delay": 3600000}, bullmq.JobOptions{Delay: time.Hour}),
	}
	for id, accepted := range map[string]bool{
		"123": false, "-5": false, "0": false, "0:1:2": false, "a:b": false, "a:b:c": true, "a:b:c:d": false, "1e3": true, "007": true,
		" 12": true, "a b/ü": true,
	} {
		s := adding("id "+id, js{}, js{"jobId": id}, bullmq.JobOptions{JobID: id})
		s.fails = !accepted
		steps = append(steps, s)
	}
	bulk := []js{
		{"name": "b1", "data": js{"i": 1}, "opts": js{"timestamp": past}},
		{"name": "b2", "data": js{"i": 2}, "opts": js{"timestamp": past, "priority": 3}},
		{"name": "b3", "data": js{"i": 3}, "opts": js{"timestamp": past, "delay": 1000}},
		{"name": "b4", "data": js{"i": 4}, "opts": js{"timestamp": past, "jobId": "own"}},
	}
	at := time.UnixMilli(past)
	steps = append(steps,
		calling("addBulk", []any{bulk}, func(ctx context.Context, q *bullmq.Queue) error {
			_, err := q.AddBulk(ctx, []bullmq.NewJob{
				{Name: "b1", Data: js{"i": 1}, Options: bullmq.JobOptions{Timestamp: at}},
				{Name: "b2", Data: js{"i": 2}, Options: bullmq.JobOptions{Timestamp: at, Priority: 3}},
				{Name: "b3", Data: js{"i": 3}, Options: bullmq.JobOptions{Timestamp: at, Delay: second}},
				{Name: "b4", Data: js{"i": 4}, Options: bullmq.JobOptions{Timestamp: at, JobID: "own"}},
			})
			return err
		}),
		pause(),
		adding("while paused", js{}, nil, bullmq.JobOptions{}),
		adding("p while paused", js{}, js{"priority": 2}, bullmq.JobOptions{Priority: 2}),
		adding("delayed while paused", js{}, js{"delay": 5}, bullmq.JobOptions{Delay: 5 * time.Millisecond}),
		pause(),
		resume(),
		resume(),
	)
	return steps
}

func deduplicationSteps(library string) []step {
	deduplicated := func(name string, theirs js, ours bullmq.Deduplication, more js, options bullmq.JobOptions) step {
		opts := js{"deduplication": theirs}
		maps.Copy(opts, more)
		options.Deduplication = &ours
		return adding(name, js{"l": name}, opts, options)
	}
	plain := bullmq.JobOptions{}
	delayed := func(days int) (js, bullmq.JobOptions) {
		return js{"delay": days * 864e5}, bullmq.JobOptions{Delay: time.Duration(days) * 24 * time.Hour}
	}
	one, oneDay := delayed(1)
	two, twoDays := delayed(2)
	minute := bullmq.Deduplication{TTL: 50 * time.Second}
	with := func(d bullmq.Deduplication, id string, change func(d *bullmq.Deduplication)) bullmq.Deduplication {
		d.ID = id
		if change != nil {
			change(&d)
		}
		return d
	}
	simple := func(id string) bullmq.Deduplication { return bullmq.Deduplication{ID: id} }
	replace := func(d *bullmq.Deduplication) { d.Replace = true }
	extend := func(d *bullmq.Deduplication) { d.Extend = true }
	both := func(d *bullmq.Deduplication) { d.Replace, d.Extend = true, true }
	longer := bullmq.Deduplication{TTL: 90 * time.Second}
	keepLast := bullmq.Deduplication{ID: "k", KeepLastIfActive: true}
	steps := []step{
		deduplicated("simple", js{"id": "s"}, simple("s"), nil, plain),
		deduplicated("simple hit", js{"id": "s"}, simple("s"), nil, plain),
		deduplicated("simple hit by name", js{"id": "s"}, simple("s"), js{"jobId": "own"}, bullmq.JobOptions{JobID: "own"}),
		removing("1"),
		deduplicated("after removal", js{"id": "s"}, simple("s"), nil, plain),
		deduplicated("ttl", js{"id": "t", "ttl": 50000}, with(minute, "t", nil), nil, plain),
		deduplicated("ttl hit", js{"id": "t", "ttl": 90000}, with(longer, "t", nil), nil, plain),
		deduplicated("extend", js{"id": "e", "ttl": 50000, "extend": true}, with(minute, "e", extend), nil, plain),
		deduplicated("extend hit", js{"id": "e", "ttl": 90000, "extend": true}, with(longer, "e", extend), nil, plain),
		deduplicated("replace", js{"id": "r", "replace": true}, with(simple(""), "r", replace), one, oneDay),
		deduplicated("replace hit", js{"id": "r", "replace": true}, with(simple(""), "r", replace), two, twoDays),
		deduplicated("replace hit at once", js{"id": "r", "replace": true}, with(simple(""), "r", replace), nil, plain),
		deduplicated("replace too late", js{"id": "r", "replace": true}, with(simple(""), "r", replace), nil, plain),
		deduplicated("replace ttl", js{"id": "rt", "replace": true, "ttl": 50000}, with(minute, "rt", replace), one, oneDay),
		deduplicated("replace ttl hit", js{"id": "rt", "replace": true, "ttl": 90000}, with(longer, "rt", replace), one, oneDay),
		deduplicated("both", js{"id": "b", "replace": true, "extend": true, "ttl": 50000}, with(minute, "b", both), one, oneDay),
		deduplicated("both hit", js{"id": "b", "replace": true, "extend": true, "ttl": 90000}, with(longer, "b", both), one, oneDay),
		deduplicated("keep last", js{"id": "k", "keepLastIfActive": true}, keepLast, js{"lifo": true}, bullmq.JobOptions{LIFO: true}),
		deduplicated("keep last of waiting", js{"id": "k", "keepLastIfActive": true}, keepLast, nil, plain),
		working("take"),
		deduplicated("keep last of active", js{"id": "k", "keepLastIfActive": true}, keepLast, nil, plain),
		deduplicated("keep later", js{"id": "k", "keepLastIfActive": true}, keepLast, js{"priority": 3}, bullmq.JobOptions{Priority: 3}),
		deduplicated("keep with an id", js{"id": "k", "keepLastIfActive": true, "ttl": 5000},
			bullmq.Deduplication{ID: "k", KeepLastIfActive: true, TTL: 5 * time.Second}, js{"jobId": "mine"}, bullmq.JobOptions{JobID: "mine"}),
		deduplicated("keep simple", js{"id": "k"}, simple("k"), nil, plain),
		working("complete", 1),
		removing("mine"),
		deduplicated("keep and ttl", js{"id": "kt", "keepLastIfActive": true, "ttl": 50000},
			bullmq.Deduplication{ID: "kt", KeepLastIfActive: true, TTL: 50 * time.Second}, nil, plain),
		calling("removeDeduplicationKey", []any{"t"}, func(ctx context.Context, q *bullmq.Queue) error {
			_, err := q.RemoveDeduplicationKey(ctx, "t")
			return err
		}),
		deduplicated("freed", js{"id": "t"}, simple("t"), nil, plain),
		deduplicated("named", js{"id": "n"}, simple("n"), js{"jobId": "n1"}, bullmq.JobOptions{JobID: "n1"}),
		calling("removeDeduplicationKey", []any{"n"}, func(ctx context.Context, q *bullmq.Queue) error {
			_, err := q.RemoveDeduplicationKey(ctx, "n")
			return err
		}),
		deduplicated("named again", js{"id": "n"}, simple("n"), js{"jobId": "n1"}, bullmq.JobOptions{JobID: "n1"}),
		deduplicated("colon", js{"id": "a:b"}, simple("a:b"), nil, plain),
		deduplicated("nameless", js{"id": ""}, simple(""), nil, plain).failing(),
	}
	if library == "bullmq6" { // major 5 doesn't know it
		move := func(d *bullmq.Deduplication) { d.Reschedule = true }
		steps = append(steps,
			deduplicated("reschedule", js{"id": "rs", "reschedule": true}, with(simple(""), "rs", move), one, oneDay),
			deduplicated("reschedule hit", js{"id": "rs", "reschedule": true}, with(simple(""), "rs", move), two, twoDays),
			deduplicated("reschedule to now", js{"id": "rs", "reschedule": true}, with(simple(""), "rs", move), nil, plain),
			deduplicated("reschedule and extend", js{"id": "rs", "reschedule": true, "ttl": 50000, "extend": true},
				with(minute, "rs", func(d *bullmq.Deduplication) { d.Reschedule, d.Extend = true, true }), one, oneDay),
		)
	}
	return steps
}

func controlSteps(string) []step {
	priority := func(id string, theirs js, p int, lifo bool) step {
		return onJob(id, "changePriority", []any{theirs}, func(ctx context.Context, q *bullmq.Queue) error {
			return q.ChangePriority(ctx, id, p, lifo)
		})
	}
	delay := func(id string, d time.Duration) step {
		return onJob(id, "changeDelay", []any{d.Milliseconds()}, func(ctx context.Context, q *bullmq.Queue) error {
			return q.ChangeDelay(ctx, id, d)
		})
	}
	promote := func(id string) step {
		return onJob(id, "promote", nil, func(ctx context.Context, q *bullmq.Queue) error { return q.Promote(ctx, id) })
	}
	data := func(id string, value any) step {
		return onJob(id, "updateData", []any{value}, func(ctx context.Context, q *bullmq.Queue) error { return q.UpdateData(ctx, id, value) })
	}
	progress := func(id string, value any) step {
		return onJob(id, "updateProgress", []any{value}, func(ctx context.Context, q *bullmq.Queue) error {
			return q.UpdateProgress(ctx, id, value)
		})
	}
	log := func(id, line string, keep int) step {
		args := []any{id, line}
		if keep > 0 {
			args = append(args, keep)
		}
		return calling("addJobLog", args, func(ctx context.Context, q *bullmq.Queue) error {
			_, err := q.Log(ctx, id, line, keep)
			return err
		})
	}
	clearLogs := func(id string, keep int) step {
		return onJob(id, "clearLogs", []any{keep}, func(ctx context.Context, q *bullmq.Queue) error { return q.ClearLogs(ctx, id, keep) })
	}
	drain := func(delayed bool) step {
		return calling("drain", []any{delayed}, func(ctx context.Context, q *bullmq.Queue) error {
			_, err := q.Drain(ctx, delayed)
			return err
		})
	}
	promoteAll := func() step {
		return calling("promoteJobs", nil, func(ctx context.Context, q *bullmq.Queue) error {
			_, err := q.PromoteAll(ctx)
			return err
		})
	}
	day := bullmq.JobOptions{Delay: 24 * time.Hour}
	some := []step{
		adding("standard", js{}, nil, bullmq.JobOptions{}),
		adding("p5", js{}, js{"priority": 5}, bullmq.JobOptions{Priority: 5}),
		adding("delayed p3", js{}, js{"delay": 864e5, "priority": 3}, bullmq.JobOptions{Delay: day.Delay, Priority: 3}),
		adding("delayed", js{}, js{"delay": 864e5}, day),
		adding("delayed too", js{}, js{"delay": 864e5}, day),
	}
	return append(some,
		priority("1", js{"priority": 7}, 7, false),
		priority("1", js{"priority": 7, "lifo": true}, 7, true),
		priority("2", js{"priority": 7}, 7, false),
		priority("1", js{}, 0, false),
		priority("2", js{"priority": 0, "lifo": true}, 0, true),
		priority("3", js{"priority": 9}, 9, false),
		delay("3", 5e5*time.Second),
		delay("4", time.Hour),
		delay("5", 0),
		delay("1", time.Second).failing(),
		promote("3"),
		promote("3").failing(),
		promote("4"),
		data("1", js{"x": []int{1, 2}, "s": "ünï</b>"}),
		data("1", json.RawMessage("null")),
		progress("1", 42),
		progress("1", js{"percentage": 50, "message": "é"}),
		progress("1", "half"),
		log("1", "one", 0),
		log("1", "two", 0),
		log("1", "three", 2),
		log("none", "x", 0).failing(),
		clearLogs("1", 1),
		clearLogs("1", 0),
		pause(),
		promote("5"),
		priority("1", js{"priority": 4}, 4, false),
		priority("1", js{}, 0, false),
		removing("2"),
		resume(),
		removing("3"),
		adding("delayed", js{}, js{"delay": 864e5, "priority": 2}, bullmq.JobOptions{Delay: day.Delay, Priority: 2}),
		adding("delayed", js{}, js{"delay": 1728e5}, bullmq.JobOptions{Delay: 2 * day.Delay}),
		promoteAll(),
		promoteAll(),
		adding("p5", js{}, js{"priority": 5}, bullmq.JobOptions{Priority: 5}),
		drain(false),
		adding("once", js{}, js{"deduplication": js{"id": "d"}}, bullmq.JobOptions{Deduplication: &bullmq.Deduplication{ID: "d"}}),
		adding("delayed", js{}, js{"delay": 864e5}, day),
		log("10", "x", 0),
		drain(false),
		drain(true),
		drain(true),
	)
}

func addAll(n int, theirs js, ours bullmq.JobOptions) []step {
	steps := make([]step, n)
	for i := range steps {
		steps[i] = adding("n"+strconv.Itoa(i), js{"i": i}, theirs, ours)
	}
	return steps
}
