package bullmq_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

const backlog = 100_000

// id is as long as the ids that are in use.
func id(i int) string {
	text := strconv.Itoa(i)
	return "0c5ffad0-6c6b-4d0f-8f5e-000000000000"[:36-len(text)] + text
}

// waitingJobs puts a backlog on the queue and returns its jobs.
func waitingJobs(b *bundle, n int, priority func(i int) int) []*life {
	lives := make([]*life, n)
	changes := make([]bullmq.Change, 0, 1000)
	for i := range lives {
		lives[i] = newLife(id(i)).prioritized(priority(i))
		changes = append(changes, lives[i].added())
		if len(changes) == cap(changes) || i == n-1 {
			b.apply(changes...)
			changes = changes[:0]
		}
	}
	return lives
}

// BenchmarkLife takes jobs through their lives, in batches of 100 changes, with a backlog of others that wait. What a job
// costs must not grow with the backlog when jobs run in their order.
func BenchmarkLife(b *testing.B) {
	for _, size := range []int{0, 1_000, backlog} {
		for name, priority := range map[string]int{"wait": 0, "prioritized": 5} {
			b.Run(name+"/backlog="+strconv.Itoa(size), func(b *testing.B) {
				q := setup(b)
				lives := waitingJobs(q, size, func(int) int { return priority })
				batch := make([]bullmq.Change, 0, 100)
				n := size
				b.ResetTimer()
				for b.Loop() {
					l := newLife(id(n)).prioritized(priority)
					l.job.KeepCompleted = bullmq.KeepNewest(100)
					n++
					batch = append(batch, l.added())
					lives = append(lives, l)
					oldest := lives[0]
					lives = lives[1:]
					oldest.job.KeepCompleted = bullmq.KeepNewest(100)
					batch = append(batch, oldest.started(), oldest.completed(`{"ok":true}`))
					if len(batch) >= 99 {
						q.apply(batch...)
						batch = batch[:0]
					}
				}
				b.StopTimer()
				require.Len(b, q.list(q.keys.Waiting()), int(q.rdb.LLen(b.Context(), q.keys.Wait()).Val()+q.rdb.ZCard(b.Context(), q.keys.Prioritized()).Val()))
			})
		}
	}
}

// BenchmarkOvertaking starts jobs from the middle of a backlog, which is the worst place.
func BenchmarkOvertaking(b *testing.B) {
	q := setup(b)
	lives := waitingJobs(q, backlog, func(int) int { return 5 })
	n := backlog / 2
	b.ResetTimer()
	for b.Loop() {
		l := lives[n]
		q.apply(l.started(), l.retried("boom"))
		n = (n+7919)%(backlog/2) + backlog/4
	}
}

// BenchmarkResync shows a whole queue again to a Redis that lost its data.
func BenchmarkResync(b *testing.B) {
	for b.Loop() {
		q := setup(b)
		changes := make([]bullmq.Change, 0, 1000)
		for i := range backlog {
			changes = append(changes, newLife(id(i)).silent())
			if len(changes) == cap(changes) {
				q.apply(changes...)
				changes = changes[:0]
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/100k")
}
