package bullmq_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// scheduling makes or changes a scheduler on both sides: in JavaScript's words and in ours.
func scheduling(id string, theirs js, ours bullmq.Repeat, template js, job bullmq.NewJob) step {
	args := []any{id, theirs}
	if template != nil {
		args = append(args, template)
	}
	s := calling("upsertJobScheduler", args, func(ctx context.Context, q *bullmq.Queue) error {
		_, err := q.UpsertScheduler(ctx, id, ours, job)
		return err
	})
	s.name += fmt.Sprintf(" %s %v", id, theirs)
	return s
}

func unscheduling(id string) step {
	return calling("removeJobScheduler", []any{id}, func(ctx context.Context, q *bullmq.Queue) error {
		_, err := q.RemoveScheduler(ctx, id)
		return err
	})
}

func schedulerSteps(string) []step {
	plain, utc := bullmq.NewJob{}, "UTC"
	start, end := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2032, 1, 1, 0, 0, 0, 0, time.UTC)
	day := js{"every": 864e5}
	daily := bullmq.Repeat{Every: 24 * time.Hour}
	hour, hourly := js{"every": 36e5}, bullmq.Repeat{Every: time.Hour}
	at3, night := js{"pattern": "0 0 3 * * *", "tz": "Europe/Berlin"}, bullmq.Repeat{Pattern: "0 0 3 * * *", TZ: "Europe/Berlin"}
	template := js{"name": "cn", "data": js{"b": 1}, "opts": js{"attempts": 2, "priority": 3}}
	job := bullmq.NewJob{Name: "cn", Data: js{"b": 1}, Options: bullmq.JobOptions{Attempts: 2, Priority: 3}}
	more := js{"name": "x", "data": "text", "opts": js{
		"removeOnFail": 5, "keepLogs": 3, "backoff": js{"type": "fixed", "delay": 300}, "jobId": "hh", "lifo": true, "delay": 7,
		"deduplication": js{"id": "zz"},
	}}
	moreJob := bullmq.NewJob{Name: "x", Data: "text", Options: bullmq.JobOptions{
		RemoveOnFail: new(bullmq.KeepNewest(5)), KeepLogs: new(3), JobID: "hh", LIFO: true, Delay: 7 * time.Millisecond,
		Backoff:       &bullmq.Backoff{Type: bullmq.FixedBackoff, Delay: 300 * time.Millisecond},
		Deduplication: &bullmq.Deduplication{ID: "zz"},
	}}
	removeArmed := func(id string) step {
		s := calling("remove", []any{id}, func(ctx context.Context, q *bullmq.Queue) error { return q.Remove(ctx, id) })
		return s.failing()
	}
	promoteArmed := func(id string) step {
		return onJob(id, "promote", nil, func(ctx context.Context, q *bullmq.Queue) error { return q.Promote(ctx, id) })
	}
	drain := calling("drain", []any{true}, func(ctx context.Context, q *bullmq.Queue) error {
		_, err := q.Drain(ctx, true)
		return err
	})
	yearly, newYear := js{"pattern": "0 0 1 1 *", "tz": utc, "startDate": start.Format(time.RFC3339)},
		bullmq.Repeat{Pattern: "0 0 1 1 *", TZ: utc, Start: start}
	armed := "repeat:y:" + millis(time.Date(2032, 1, 1, 0, 0, 0, 0, time.UTC))
	return []step{
		scheduling("e", day, daily, template, job),
		scheduling("e", day, daily, js{"name": "n2"}, bullmq.NewJob{Name: "n2"}),
		scheduling("e", hour, hourly, nil, plain),
		scheduling("limited", js{"every": 864e5, "limit": 2}, bullmq.Repeat{Every: daily.Every, Limit: 2}, nil, plain),
		scheduling("starts", js{"every": 864e5, "startDate": start.UnixMilli()}, bullmq.Repeat{Every: daily.Every, Start: start}, nil, plain),
		scheduling("started", js{"every": 864e5, "startDate": past}, bullmq.Repeat{Every: daily.Every, Start: time.UnixMilli(past)}, nil, plain),
		scheduling("ends", js{"every": 864e5, "endDate": end.Format(time.RFC3339)}, bullmq.Repeat{Every: daily.Every, End: end}, nil, plain),
		scheduling("ended", js{"every": 864e5, "endDate": past}, bullmq.Repeat{Every: daily.Every, End: time.UnixMilli(past)}, nil, plain).failing(),
		scheduling("offset", js{"every": 864e5, "offset": 1234}, bullmq.Repeat{Every: daily.Every, Offset: 1234 * time.Millisecond}, nil, plain),
		scheduling("offset", js{"every": 864e5, "offset": 99}, bullmq.Repeat{Every: daily.Every, Offset: 99 * time.Millisecond}, nil, plain),
		scheduling("offset", js{"every": 864e5}, daily, nil, plain),
		scheduling("p", day, daily, js{"opts": js{"priority": 4}}, bullmq.NewJob{Options: bullmq.JobOptions{Priority: 4}}),
		scheduling("more", day, daily, more, moreJob),
		scheduling("c", at3, night, template, job),
		scheduling("c", at3, night, template, job),
		scheduling("c", js{"pattern": "0 0 4 * * *", "tz": utc}, bullmq.Repeat{Pattern: "0 0 4 * * *", TZ: utc}, template, job),
		scheduling("c", hour, hourly, nil, plain),
		scheduling("e", js{"pattern": "@monthly", "tz": utc}, bullmq.Repeat{Pattern: "@monthly", TZ: utc}, nil, plain),
		scheduling("cl", js{"pattern": "0 0 4 * * *", "tz": utc, "limit": 3, "startDate": start.UnixMilli(), "endDate": end.UnixMilli()},
			bullmq.Repeat{Pattern: "0 0 4 * * *", TZ: utc, Limit: 3, Start: start, End: end}, nil, plain),
		scheduling("now", js{"pattern": "0 0 4 * * *", "tz": utc, "immediately": true},
			bullmq.Repeat{Pattern: "0 0 4 * * *", TZ: utc, Immediately: true}, nil, plain),
		scheduling("both", js{"pattern": "* * * * *", "every": 5}, bullmq.Repeat{Pattern: "* * * * *", Every: 5 * time.Millisecond}, nil, plain).failing(),
		scheduling("neither", js{}, bullmq.Repeat{}, nil, plain).failing(),
		scheduling("nonsense", js{"pattern": "nope"}, bullmq.Repeat{Pattern: "nope"}, nil, plain).failing(),
		scheduling("twice", js{"every": 1000, "immediately": true, "startDate": end.UnixMilli()},
			bullmq.Repeat{Every: time.Second, Immediately: true, Start: end}, nil, plain).failing(),
		scheduling("a:b:c:d", day, daily, nil, plain),
		scheduling("y", yearly, newYear, nil, plain),
		removeArmed(armed),
		drain,
		cleaning(bullmq.Delayed, "delayed", 0, 0),
		cleaning(bullmq.Waiting, "wait", 0, 0),
		promoteArmed(armed),
		removeArmed(armed),
		scheduling("y", yearly, newYear, nil, plain),
		promoteArmed(armed),
		unscheduling("y"),
		unscheduling("cl"),
		unscheduling("p"),
		unscheduling("none"),
		drain,
		pause(),
		scheduling("paused", day, daily, nil, plain),
		resume(),
		calling("obliterate", []any{js{"force": true}}, func(ctx context.Context, q *bullmq.Queue) error { return q.Obliterate(ctx, true) }),
	}
}

// iterationSteps let the real worker take a scheduler's jobs on one side. On ours, what it writes is written by hand but
// for what arms the scheduler again.
func iterationSteps(string) []step {
	utc := "UTC"
	template := js{"name": "n", "data": js{"z": 1}, "opts": js{"attempts": 2, "removeOnFail": 3}}
	job := bullmq.NewJob{Name: "n", Data: js{"z": 1}, Options: bullmq.JobOptions{Attempts: 2, RemoveOnFail: new(bullmq.KeepNewest(3))}}
	start := time.Date(2031, 6, 1, 0, 0, 0, 0, time.UTC)
	monthly := func(n int) string {
		return "repeat:c:" + millis(time.Date(2031, time.Month(7+n), 1, 0, 0, 0, 0, time.UTC))
	}
	promote := func(id string) step {
		return onJob(id, "promote", nil, func(ctx context.Context, q *bullmq.Queue) error { return q.Promote(ctx, id) })
	}
	taking := step{name: "take", theirs: []any{"take"}, play: takeByHand}
	months, each := js{"pattern": "0 0 1 * *", "tz": utc, "startDate": start.UnixMilli(), "limit": 3},
		bullmq.Repeat{Pattern: "0 0 1 * *", TZ: utc, Start: start, Limit: 3}
	day, daily := js{"every": 864e5}, bullmq.Repeat{Every: 24 * time.Hour}
	end := time.Now().Add(time.Hour)
	return []step{
		scheduling("c", months, each, template, job),
		promote(monthly(0)), taking,
		promote(monthly(1)), taking,
		promote(monthly(2)), taking, // the last one
		scheduling("e", day, daily, template, job), taking,
		scheduling("o", js{"every": 864e5, "offset": 1234}, bullmq.Repeat{Every: daily.Every, Offset: 1234 * time.Millisecond}, nil, bullmq.NewJob{}),
		scheduling("d", js{"every": 864e5, "limit": 1}, bullmq.Repeat{Every: daily.Every, Limit: 1}, nil, bullmq.NewJob{}), taking,
		scheduling("end", js{"every": 864e5, "endDate": end.UnixMilli()}, bullmq.Repeat{Every: daily.Every, End: end}, nil, bullmq.NewJob{}), taking,
		scheduling("dd", day, daily, js{"opts": js{"deduplication": js{"id": "x"}}},
			bullmq.NewJob{Options: bullmq.JobOptions{Deduplication: &bullmq.Deduplication{ID: "x"}}}), taking,
		scheduling("gone", day, daily, nil, bullmq.NewJob{}), unscheduling("gone"), taking,
		adding("plain", js{}, nil, bullmq.JobOptions{}), taking,
	}
}

// takeByHand moves the next job to active, as a worker does, and lets its scheduler add the one after it.
func takeByHand(s *side) error {
	ctx, now := s.t.Context(), time.Now()
	id, err := s.rdb.LMove(ctx, s.keys.Wait(), s.keys.Active(), "RIGHT", "LEFT").Result()
	if err != nil {
		return err
	}
	_, err = s.rdb.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, s.keys.Lock(id), "token", 30*time.Second)
		pipe.XAdd(ctx, &redis.XAddArgs{Stream: s.keys.Events(), Values: strings.Fields("event active jobId " + id + " prev waiting")})
		pipe.HSet(ctx, s.keys.Job(id), "processedOn", now.UnixMilli(), "pb", "wk")
		pipe.HIncrBy(ctx, s.keys.Job(id), "ats", 1)
		pipe.ZAdd(ctx, s.keys.Marker(), redis.Z{Member: "0"})
		return nil
	})
	if err != nil {
		return err
	}
	if s.rdb.ZCard(ctx, s.keys.Prioritized()).Val() == 0 {
		s.rdb.Del(ctx, s.keys.PriorityCounter())
	}
	job := bullmq.DecodeJob(id, s.rdb.HGetAll(ctx, s.keys.Job(id)).Val())
	_, err = bullmq.ArmNext(ctx, s.rdb, s.keys, job, now)
	return err
}
