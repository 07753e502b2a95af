package bullmq_test

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

const backlog = 100_000

// longID is as long as the ids that are in use.
func longID(i int) string {
	text := strconv.Itoa(i)
	return "0c5ffad0-6c6b-4d0f-8f5e-000000000000"[:36-len(text)] + text
}

// waitingJobs puts a backlog on the queue and returns its jobs.
func waitingJobs(b *bundle, n, priority int) []*life {
	lives := make([]*life, n)
	changes := make([]bullmq.Change, 0, 1000)
	for i := range lives {
		lives[i] = newLife(longID(i)).prioritized(priority)
		changes = append(changes, lives[i].added())
		if len(changes) == cap(changes) || i == n-1 {
			b.apply(changes...)
			changes = changes[:0]
		}
	}
	return lives
}

// redisTime returns the CPU time that the server has used, in microseconds.
func redisTime(b *bundle) float64 {
	b.t.Helper()
	text, err := b.rdb.Info(b.t.Context(), "cpu").Result()
	require.NoError(b.t, err)
	total := 0.0
	for _, part := range regexp.MustCompile(`used_cpu_(?:sys|user):([\d.]+)`).FindAllStringSubmatch(text, -1) {
		seconds, err := strconv.ParseFloat(part[1], 64)
		require.NoError(b.t, err)
		total += seconds * 1e6
	}
	return total
}

// measure runs a benchmark and reports what each round cost Redis.
func measure(b *testing.B, q *bundle, round func()) {
	b.Helper()
	before := redisTime(q)
	for b.Loop() {
		round()
	}
	b.ReportMetric((redisTime(q)-before)/float64(b.N), "redis-µs/op")
}

// BenchmarkLife takes a job through its life (added, started, completed), in batches of 99 changes, with a backlog of
// others that wait. What a job costs must not grow with the backlog.
func BenchmarkLife(b *testing.B) {
	for _, size := range []int{0, 1_000, backlog} {
		for _, priority := range []int{0, 5} {
			b.Run("priority="+strconv.Itoa(priority)+"/backlog="+strconv.Itoa(size), func(b *testing.B) {
				q := setup(b)
				lives := waitingJobs(q, size, priority)
				next := size
				batch := make([]bullmq.Change, 0, 99)
				measure(b, q, func() {
					newest := newLife(longID(next)).prioritized(priority)
					next++
					lives = append(lives, newest)
					oldest := lives[0]
					lives = lives[1:]
					oldest.job.KeepCompleted = bullmq.KeepNewest(100)
					batch = append(batch, newest.added(), oldest.started(), oldest.completed(`{"ok":true}`))
					if len(batch) == cap(batch) {
						q.apply(batch...)
						batch = batch[:0]
					}
				})
			})
		}
	}
}

// BenchmarkOvertaking starts jobs from the middle of a backlog: the worst case.
func BenchmarkOvertaking(b *testing.B) {
	q := setup(b)
	lives := waitingJobs(q, backlog, 5)
	n := backlog / 2
	measure(b, q, func() {
		q.apply(lives[n].started(), lives[n].retried("boom"))
		n = (n+7919)%(backlog/2) + backlog/4
	})
}

// BenchmarkResync shows a backlog again to a Redis that lost its data: one round is one job.
func BenchmarkResync(b *testing.B) {
	q := setup(b)
	n := 0
	changes := make([]bullmq.Change, 0, 500)
	measure(b, q, func() {
		changes = append(changes, newLife(longID(n)).silent())
		n++
		if len(changes) == cap(changes) {
			q.apply(changes...)
			changes = changes[:0]
		}
	})
}

// BenchmarkProgress shows progress in batches of ten.
func BenchmarkProgress(b *testing.B) {
	q, l := setup(b), newLife("1")
	q.apply(l.added(), l.started())
	updates := make([]bullmq.Progress, 10)
	for i := range updates {
		updates[i] = bullmq.Progress{JobID: "1", Attempt: 1, Value: []byte(`{"percentage":` + strconv.Itoa(i) + `}`)}
	}
	measure(b, q, func() {
		_, err := q.projector.Progress(b.Context(), q.queue, updates)
		require.NoError(b, err)
	})
}
