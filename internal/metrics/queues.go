package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Depth is how many jobs of a queue are in a state, as Postgres has them.
type Depth struct {
	Queue, State string
	Jobs         int
	// Oldest is for how long the first of them has been there.
	Oldest time.Duration
}

// Backlog is what waits to be shown of a queue in Redis.
type Backlog struct {
	Queue  string
	Rows   int
	Oldest time.Duration
	// SetAside are the changes that can't be shown.
	SetAside int
}

// Records are the figures of Postgres.
type Records struct {
	Depths   []Depth
	Backlogs []Backlog
}

// Records registers the figures that Postgres has of the queues. They are asked for when somebody looks.
func (r *Registry) Records(ctx context.Context, ask func(ctx context.Context) (Records, error)) {
	var (
		jobs   = describe("cinnamon_queue_jobs", "Open jobs by state: waiting, delayed, active.", "queue", "state")
		oldest = describe("cinnamon_queue_oldest_job_seconds", "For how long the oldest job has been in its state.", "queue", "state")
		rows   = describe("cinnamon_outbox_rows", "Changes of jobs that Redis does not show yet.", "queue")
		age    = describe("cinnamon_outbox_oldest_seconds", "For how long the oldest change has waited to be shown in Redis.", "queue")
		aside  = describe("cinnamon_outbox_set_aside_rows", "Changes that can't be shown in Redis, kept with the reason in outbox_rejected.", "queue")
	)
	r.ask(ctx, "the records", []*prometheus.Desc{jobs, oldest, rows, age, aside}, func(ctx context.Context) ([]sample, error) {
		records, err := ask(ctx)
		var samples []sample
		for _, d := range records.Depths {
			samples = append(samples, gauge(jobs, float64(d.Jobs), d.Queue, d.State), gauge(oldest, max(d.Oldest, 0).Seconds(), d.Queue, d.State))
		}
		for _, b := range records.Backlogs {
			samples = append(samples, gauge(rows, float64(b.Rows), b.Queue), gauge(age, max(b.Oldest, 0).Seconds(), b.Queue),
				gauge(aside, float64(b.SetAside), b.Queue))
		}
		return samples, err
	})
}

// Shown is what Redis shows of a queue, and how its Redis is.
type Shown struct {
	Queue string
	// Jobs are the numbers of jobs by BullMQ's states.
	Jobs map[string]int
	// Completed and Failed are all jobs that ever ended, as BullMQ's own metrics count them.
	Completed, Failed int
	// Evicts says that its Redis throws keys away when its memory is full; Evicted are those that it has.
	Evicts  bool
	Evicted int64
	// Used and Limit are bytes of memory; a limit of 0 is none.
	Used, Limit int64
}

// Shown registers what Redis shows, under the names that BullMQ's own exporter gives it, and how Redis is.
func (r *Registry) Shown(ctx context.Context, ask func(ctx context.Context) ([]Shown, error)) {
	var (
		jobs      = describe("bullmq_job_count", "Number of jobs in the queue by state", "queue", "state")
		completed = describe("bullmq_job_completed_total", "Total number of completed jobs", "queue")
		failed    = describe("bullmq_job_failed_total", "Total number of failed jobs", "queue")
		evicts    = describe("cinnamon_redis_eviction_policy_wrong", "1 if the Redis of the queue throws keys away when its memory is full: set maxmemory-policy to noeviction.", "queue")
		evicted   = describe("cinnamon_redis_evicted_keys_total", "Keys that the Redis of the queue threw away since it started.", "queue")
		used      = describe("cinnamon_redis_memory_used_bytes", "Memory that the Redis of the queue uses.", "queue")
		limit     = describe("cinnamon_redis_memory_limit_bytes", "Memory that the Redis of the queue may use; 0 is no limit.", "queue")
	)
	r.ask(ctx, "Redis", []*prometheus.Desc{jobs, completed, failed, evicts, evicted, used, limit}, func(ctx context.Context) ([]sample, error) {
		list, err := ask(ctx)
		var samples []sample
		for _, s := range list {
			for state, n := range s.Jobs {
				samples = append(samples, gauge(jobs, float64(n), s.Queue, state))
			}
			samples = append(samples, counter(completed, float64(s.Completed), s.Queue), counter(failed, float64(s.Failed), s.Queue),
				gauge(evicts, yes(s.Evicts), s.Queue), counter(evicted, float64(s.Evicted), s.Queue),
				gauge(used, float64(s.Used), s.Queue), gauge(limit, float64(s.Limit), s.Queue))
		}
		return samples, err
	})
}
