package bullmq_test

import (
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

func scenarios() []scenario {
	var all []scenario
	for _, group := range [][]scenario{
		endings(), attempts(), orders(), retentions(), deduplications(), limits(), stalls(), others(), flows(), schedulers(),
	} {
		all = append(all, group...)
	}
	return all
}

// endings: what a job returns.
func endings() []scenario {
	return []scenario{
		{name: "results", before: func(s *stage) {
			for _, result := range []any{D{"a": D{"é": "</script>"}}, nil, "text", 1.5, true, []any{}, []any{1, nil}, ""} {
				s.addJob("n", D{"do": "ok", "result": result}, O{})
			}
			s.addJob("", D{"do": "ok"}, O{"jobId": "a:b:c"})
			s.addJob("ünï", D{"do": "ok"}, O{"jobId": "with space/und ünï"})
		}},
		{name: "one-by-one", while: func(s *stage) {
			for range 3 {
				s.until(s.addJob("n", D{"do": "ok"}, O{}), "completed")
				s.rest(0, 0, false)
			}
		}},
		{name: "not-the-last", delayed: 1, before: func(s *stage) {
			s.addJob("later", D{"do": "ok"}, O{"delay": 600000})
			s.addJob("n", D{"do": "ok"}, O{})
		}},
		{name: "progress", before: func(s *stage) {
			s.addJob("n", D{"do": "progress", "steps": []any{10, "half", true, D{"a": []any{"é"}}, []any{}, nil, 99.5}}, O{})
			s.addJob("few", D{"do": "progress", "steps": []any{1, 2, 3, 4}}, O{"keepLogs": 2})
			s.addJob("fails", D{"do": "progress", "steps": []any{1}}, O{"removeOnComplete": true})
		}},
	}
}

// attempts: what a failure leads to.
func attempts() []scenario {
	return []scenario{
		{name: "at-once", before: func(s *stage) {
			s.addJob("n", D{"do": "fail", "times": 2, "msg": "once"}, O{"attempts": 3})
			s.addJob("lifo", D{"do": "fail", "times": 1, "msg": "lifo"}, O{"attempts": 2, "lifo": true})
			s.addJob("p", D{"do": "fail", "times": 1, "msg": "p"}, O{"attempts": 2, "priority": 7})
			s.addJob("q", D{"do": "ok"}, O{"priority": 7})
		}},
		{name: "fixed", before: func(s *stage) {
			s.addJob("n", D{"do": "fail", "times": 2, "msg": "e"}, O{"attempts": 3, "backoff": D{"type": "fixed", "delay": 15}})
		}},
		{name: "a-number", before: func(s *stage) {
			s.addJob("n", D{"do": "fail", "times": 1, "msg": "e"}, O{"attempts": 3, "backoff": 15, "priority": 3})
		}},
		{name: "exponential", delayed: 1, before: func(s *stage) {
			s.addJob("n", D{"do": "fail", "times": 2, "msg": "e"}, O{"attempts": 3, "backoff": D{"type": "exponential", "delay": 10}})
		}, while: func(s *stage) {
			s.until("1", "completed")
			id := s.addJob("far", D{"do": "fail", "times": 9, "msg": "e"}, O{"attempts": 3, "backoff": D{"type": "exponential", "delay": 600000}})
			s.until(id, "delayed")
			s.rest(1, 0, false)
			s.on(id, "promote")
			eventually(s.b.t, "the delay is twice as long", func() bool { return s.b.hash(id)["delay"] == "1200000" })
		}},
		{name: "exhausted", before: func(s *stage) {
			s.addJob("n", D{"do": "fail", "times": 9, "msg": "always"}, O{"attempts": 2})
			s.addJob("one", D{"do": "fail", "times": 9, "msg": "line one\nline two"}, O{})
			s.addJob("few", D{"do": "fail", "times": 9, "msg": "few"}, O{"attempts": 4, "stackTraceLimit": 2})
			s.addJob("none", D{"do": "fail", "times": 9, "msg": "none"}, O{"attempts": 2, "stackTraceLimit": 0})
		}},
		{name: "unrecoverable", before: func(s *stage) {
			s.addJob("n", D{"do": "fail", "times": 9, "final": true, "msg": "never"}, O{"attempts": 3})
			s.addJob("one", D{"do": "fail", "times": 9, "final": true, "msg": "never"}, O{})
		}},
		{name: "retried", before: func(s *stage) {
			s.addJob("n", D{"do": "fail", "times": 9, "msg": "always"}, O{"attempts": 2})
		}, while: func(s *stage) {
			s.until("1", "failed")
			s.on("1", "retry")
			eventually(s.b.t, "the third attempt", func() bool { return s.b.hash("1")["atm"] == "3" })
		}},
		{
			name: "deferred-failure", real: O{"limiter": O{"max": 5, "duration": 600000}},
			ours: bullmq.WorkerOptions{Limiter: &bullmq.Limiter{Max: 5, Duration: 10 * time.Minute}},
			before: func(s *stage) {
				id := s.addJob("n", D{"do": "ok"}, O{"attempts": 3})
				s.field(id, "defa", "told to fail")
				s.addJob("n", D{"do": "ok"}, O{})
			},
		},
	}
}

// orders: which job is next.
func orders() []scenario {
	return []scenario{
		{name: "order", before: func(s *stage) {
			for _, p := range []int{20, 10, 5, 10, 1, 0, 0} {
				s.addJob("n", D{"do": "ok", "result": p}, O{"priority": p})
			}
			s.addJob("l", D{"do": "ok"}, O{"lifo": true})
		}},
		{name: "delayed", while: func(s *stage) {
			s.addJob("n", D{"do": "ok"}, O{"delay": 60})
			s.rest(0, 0, false)
			s.addJob("p", D{"do": "ok"}, O{"delay": 30, "priority": 4})
			s.rest(0, 0, false)
			s.addJob("l", D{"do": "ok"}, O{"delay": 20, "lifo": true})
		}},
		{name: "due-at-once", before: func(s *stage) {
			a := s.addJob("a", D{"do": "ok"}, O{"delay": 600000})
			b := s.addJob("b", D{"do": "ok"}, O{"delay": 600000, "priority": 2})
			s.addJob("c", D{"do": "ok"}, O{})
			for i, id := range []string{a, b} {
				due := redis.Z{Score: float64(ago(time.Second))*4096 + float64(i), Member: id}
				require.NoError(s.b.t, s.b.rdb.ZAdd(s.b.t.Context(), s.b.keys.Delayed(), due).Err())
			}
		}},
		{name: "paused", while: func(s *stage) {
			s.call("pause")
			s.addJob("n", D{"do": "ok"}, O{})
			s.addJob("m", D{"do": "ok"}, O{})
			s.addJob("p", D{"do": "ok"}, O{"priority": 2})
			s.call("resume")
		}},
		{name: "stays-paused", left: 1, stays: true, while: func(s *stage) {
			s.call("pause")
			s.addJob("p", D{"do": "ok"}, O{"priority": 2})
		}},
		{name: "fails-while-paused", left: 3, stays: true, while: func(s *stage) {
			id := s.addJob("n", D{"do": "fail", "ms": 300, "times": 9, "msg": "e"}, O{"attempts": 2})
			s.until(id, "active")
			s.addJob("m", D{"do": "ok"}, O{})
			s.call("pause")
			s.addJob("l", D{"do": "ok"}, O{})
		}},
		{name: "old-marker", before: func(s *stage) {
			require.NoError(s.b.t, s.b.rdb.RPush(s.b.t.Context(), s.b.keys.Wait(), "0:1700").Err())
			s.addJob("n", D{"do": "ok"}, O{})
		}},
	}
}

// retentions: which finished jobs stay.
func retentions() []scenario {
	old := func(s *stage) {
		for i, id := range s.b.set(s.b.keys.Completed()) {
			z := redis.Z{Score: float64(ago(time.Hour) + int64(i)), Member: id}
			require.NoError(s.b.t, s.b.rdb.ZAdd(s.b.t.Context(), s.b.keys.Completed(), z).Err())
		}
	}
	finish := func(s *stage, opts ...O) {
		for _, o := range opts {
			id := s.addJob("n", D{"do": "progress", "steps": []any{1}}, o)
			eventually(s.b.t, "the job has ended", func() bool {
				places := s.b.places(id)
				return len(places) == 0 || places[0] == "completed"
			})
			s.rest(0, 0, false)
		}
	}
	return []scenario{
		{name: "keep-some", while: func(s *stage) {
			for _, keep := range []any{nil, 5, 2, false, -1, true, 0, D{"count": 3}, D{"count": 0}, D{"age": 3600}, D{"age": 3600, "count": 2}} {
				finish(s, O{"removeOnComplete": keep})
			}
		}},
		{name: "keep-failed", while: func(s *stage) {
			for _, keep := range []any{nil, 5, 1, false, true, D{"count": 2}} {
				id := s.addJob("n", D{"do": "fail", "times": 9, "msg": "e"}, O{"removeOnFail": keep})
				eventually(s.b.t, "the job has ended", func() bool { return s.b.hash(id)["finishedOn"] != "" || !s.b.exists(s.b.keys.Job(id)) })
				s.rest(0, 0, false)
			}
		}},
		{
			name: "keep-as-the-worker-says", real: O{"removeOnComplete": O{"count": 2}, "removeOnFail": O{"count": 0}},
			ours: bullmq.WorkerOptions{RemoveOnComplete: keepNewest(2), RemoveOnFail: keepNewest(0)},
			while: func(s *stage) {
				finish(s, O{}, O{}, O{}, O{})
				for _, o := range []O{{}, {"removeOnFail": false}} {
					s.addJob("f", D{"do": "fail", "times": 9, "msg": "e"}, o)
					s.rest(0, 0, false)
				}
				finish(s, O{"removeOnComplete": false})
			},
		},
		{name: "too-old", while: func(s *stage) {
			finish(s, O{}, O{}, O{})
			old(s)
			finish(s, O{"removeOnComplete": D{"age": 60}})
		}},
		{name: "too-old-few-at-a-time", while: func(s *stage) {
			finish(s, O{}, O{}, O{})
			old(s)
			finish(s, O{"removeOnComplete": D{"age": 60, "limit": 2}})
		}},
	}
}

// deduplications: what a job's end means to others of its deduplication id.
func deduplications() []scenario {
	twice := func(first, last O) func(s *stage) {
		return func(s *stage) {
			id := s.addJob("a", D{"do": "sleep", "ms": 400, "result": 1}, first)
			s.until(id, "active")
			s.addJob("b", D{"do": "ok", "n": 2}, first)
			s.addJob("c", D{"do": "ok", "n": 3}, last)
			s.until(id, "completed")
		}
	}
	id, ttl := D{"id": "d"}, D{"id": "d", "ttl": 600000}
	last, lastTTL := D{"id": "d", "keepLastIfActive": true}, D{"id": "d", "keepLastIfActive": true, "ttl": 600000}
	return []scenario{
		{name: "deduplicated", while: twice(O{"deduplication": id}, O{"deduplication": id})},
		{name: "deduplicated-for-a-while", while: twice(O{"deduplication": ttl}, O{"deduplication": ttl})},
		{name: "somebody-elses", while: func(s *stage) {
			job := s.addJob("a", D{"do": "sleep", "ms": 200}, O{"deduplication": id})
			s.until(job, "active")
			require.NoError(s.b.t, s.b.rdb.Set(s.b.t.Context(), s.b.keys.Base()+"de:d", "other", 0).Err())
			s.until(job, "completed")
		}},
		{name: "keep-last", while: twice(O{"deduplication": last}, O{"deduplication": last, "attempts": 2})},
		{name: "keep-last-ttl", while: twice(O{"deduplication": lastTTL}, O{"deduplication": lastTTL})},
		{name: "keep-last-priority", while: twice(O{"deduplication": last, "removeOnComplete": 5}, O{"deduplication": last, "priority": 4})},
		{name: "keep-last-lifo", while: twice(O{"deduplication": last}, O{"deduplication": last, "lifo": true})},
		{name: "keep-last-delayed", delayed: 1, while: twice(O{"deduplication": last}, O{"deduplication": last, "delay": 600000})},
		{name: "keep-last-failed", before: func(s *stage) {
			s.addJob("a", D{"do": "fail", "times": 9, "msg": "e"}, O{"deduplication": last, "attempts": 2})
		}},
	}
}

// limits: how fast and how many.
func limits() []scenario {
	ten := func(n int) func(s *stage) {
		return func(s *stage) {
			for range n {
				s.addJob("n", D{"do": "ok"}, O{})
			}
		}
	}
	return []scenario{
		{
			name: "limited", real: O{"limiter": O{"max": 2, "duration": 700}},
			ours:   bullmq.WorkerOptions{Limiter: &bullmq.Limiter{Max: 2, Duration: 700 * time.Millisecond}},
			before: ten(4),
		},
		{name: "limited-for-all", before: func(s *stage) {
			s.call("setGlobalRateLimit", 2, 700)
			ten(4)(s)
		}},
		{name: "one-at-a-time", real: O{"concurrency": 3}, ours: bullmq.WorkerOptions{Concurrency: 3}, before: func(s *stage) {
			s.call("setGlobalConcurrency", 1)
			for range 3 {
				s.addJob("n", D{"do": "sleep", "ms": 30}, O{})
			}
		}},
		{
			name: "slow-down", real: O{"limiter": O{"max": 9, "duration": 600000}},
			ours: bullmq.WorkerOptions{Limiter: &bullmq.Limiter{Max: 9, Duration: 10 * time.Minute}},
			before: func(s *stage) {
				s.addJob("n", D{"do": "limit", "ms": 200}, O{"attempts": 3})
				s.addJob("m", D{"do": "ok"}, O{"priority": 3})
			},
		},
		{
			name: "slow-down-priority", real: O{"limiter": O{"max": 9, "duration": 600000}},
			ours: bullmq.WorkerOptions{Limiter: &bullmq.Limiter{Max: 9, Duration: 10 * time.Minute}},
			before: func(s *stage) {
				s.addJob("n", D{"do": "limit", "ms": 200}, O{"attempts": 3, "priority": 2})
				s.addJob("m", D{"do": "ok"}, O{"priority": 2})
			},
		},
		{
			name: "metrics", real: O{"metrics": O{"maxDataPoints": 4}}, ours: bullmq.WorkerOptions{MetricsMinutes: 4},
			while: func(s *stage) {
				one := func(data D, opts O) {
					id := s.addJob("n", data, opts)
					eventually(s.b.t, "the job has ended", func() bool { return s.b.hash(id)["finishedOn"] != "" || !s.b.exists(s.b.keys.Job(id)) })
					s.rest(0, 0, false)
				}
				for range 3 {
					one(D{"do": "ok"}, O{})
				}
				one(D{"do": "fail", "times": 9, "msg": "e"}, O{})
				for _, passed := range []time.Duration{time.Minute, 3 * time.Minute, 30 * time.Minute} {
					s.field("metrics:completed", "prevTS", ago(passed))
					one(D{"do": "ok"}, O{"removeOnComplete": true})
					one(D{"do": "ok"}, O{})
				}
			},
		},
	}
}

// stalls: what becomes of the jobs of dead workers.
func stalls() []scenario {
	return []scenario{
		{name: "stalled", before: func(s *stage) {
			s.addJob("n", D{"do": "ok"}, O{})
			s.died()
		}},
		{name: "stalled-priority", before: func(s *stage) {
			s.addJob("n", D{"do": "ok"}, O{"priority": 3})
			s.died()
			s.addJob("m", D{"do": "ok"}, O{})
		}},
		{name: "stalled-too-often", before: func(s *stage) {
			s.addJob("n", D{"do": "ok"}, O{"attempts": 3})
			s.field(s.died(), "stc", 1)
		}},
		{name: "never-stalled", real: O{"maxStalledCount": 0}, ours: bullmq.WorkerOptions{MaxStalls: -1}, before: func(s *stage) {
			s.addJob("n", D{"do": "ok"}, O{"attempts": 3})
			s.died()
		}},
		{name: "stalled-while-paused", left: 1, stays: true, before: func(s *stage) {
			s.addJob("n", D{"do": "ok"}, O{})
			s.died()
			s.call("pause")
		}},
	}
}

// others: what a handler asks for.
func others() []scenario {
	return []scenario{
		{name: "later", before: func(s *stage) {
			s.addJob("n", D{"do": "later", "ms": 60}, O{"attempts": 3})
		}, while: func(s *stage) {
			s.until("1", "completed")
			s.rest(0, 0, false)
			s.addJob("p", D{"do": "later", "ms": 60}, O{"priority": 3})
		}},
		{name: "given-back", before: func(s *stage) {
			s.addJob("n", D{"do": "back"}, O{"attempts": 3})
			s.addJob("m", D{"do": "ok"}, O{})
		}},
		{name: "given-back-priority", before: func(s *stage) {
			s.addJob("n", D{"do": "back"}, O{"priority": 3})
			s.addJob("m", D{"do": "ok"}, O{"priority": 3})
		}},
		{name: "much-later", delayed: 1, before: func(s *stage) {
			s.addJob("n", D{"do": "later", "ms": 600000}, O{})
		}},
	}
}

// flows: what a child's end means to its parent.
func flows() []scenario {
	flow := func(s *stage, opts O, children ...D) {
		s.ask(nil, "flow", D{"name": "parent", "queueName": s.b.queue, "data": D{"do": "ok"}, "opts": opts, "children": children})
	}
	child := func(s *stage, id, do string, opts O) D {
		opts["jobId"] = id
		return D{"name": "child", "queueName": s.b.queue, "data": D{"do": do, "times": 9, "msg": "e", "result": D{"r": 1}}, "opts": opts}
	}
	return []scenario{
		{name: "flow", before: func(s *stage) {
			flow(s, O{"jobId": "parent"}, child(s, "c1", "ok", O{}), child(s, "c2", "ok", O{}))
			flow(s, O{"jobId": "important", "priority": 2}, child(s, "c3", "ok", O{"removeOnComplete": true}))
			flow(s, O{"jobId": "patient", "delay": 50}, child(s, "c4", "ok", O{}))
		}},
		{name: "flow-fails", before: func(s *stage) {
			flow(s, O{"jobId": "ignores"}, child(s, "c1", "fail", O{"ignoreDependencyOnFailure": true}), child(s, "c2", "ok", O{}))
			flow(s, O{"jobId": "forgets"}, child(s, "c3", "fail", O{"removeDependencyOnFailure": true}))
			flow(s, O{"jobId": "fails"}, child(s, "c4", "fail", O{"failParentOnFailure": true}), child(s, "c5", "ok", O{}))
			flow(s, O{"jobId": "goes-on"}, child(s, "c6", "fail", O{"continueParentOnFailure": true}))
			flow(s, O{"jobId": "waits"}, child(s, "c7", "fail", O{}))
		}},
	}
}

// schedulers: who starts a scheduler's job arms the next one.
func schedulers() []scenario {
	return []scenario{
		{name: "every", while: func(s *stage) {
			s.call("upsertJobScheduler", "s", O{"every": 150, "limit": 3}, D{"name": "n", "data": D{"do": "ok"}, "opts": O{"attempts": 2}})
			eventually(s.b.t, "three jobs ran", func() bool { return len(s.b.set(s.b.keys.Completed())) == 3 })
		}},
		{name: "every-hour", delayed: 1, while: func(s *stage) {
			s.call("upsertJobScheduler", "s", O{"every": 3600000}, D{"name": "n", "data": D{"do": "fail", "times": 1, "msg": "e"}, "opts": O{"attempts": 2, "priority": 3}})
			eventually(s.b.t, "a job ran", func() bool { return len(s.b.set(s.b.keys.Completed())) == 1 })
		}},
		{name: "cron", delayed: 1, while: func(s *stage) {
			s.call("upsertJobScheduler", "s", O{"pattern": "0 0 1 1 *", "tz": "Europe/Berlin"}, D{"name": "n", "data": D{"do": "ok"}})
			s.on(s.b.set(s.b.keys.Delayed())[0], "promote")
			eventually(s.b.t, "a job ran", func() bool { return len(s.b.set(s.b.keys.Completed())) == 1 })
		}},
		{name: "cron-ends", while: func(s *stage) {
			s.call("upsertJobScheduler", "s", O{"pattern": "0 0 1 1 *", "limit": 2}, D{"name": "n", "data": D{"do": "ok"}})
			for n := 1; n <= 2; n++ {
				s.on(s.b.set(s.b.keys.Delayed())[0], "promote")
				eventually(s.b.t, "a job ran", func() bool { return len(s.b.set(s.b.keys.Completed())) == n })
			}
		}},
		{name: "stalled-schedule", delayed: 1, before: func(s *stage) {
			s.call("upsertJobScheduler", "s", O{"every": 3600000}, D{"name": "n", "data": D{"do": "ok"}})
			s.field(s.died(), "stc", 1)
		}},
	}
}
