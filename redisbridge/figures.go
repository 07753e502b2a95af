package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// register makes the metrics of a bridge: what it does, what Postgres and Redis say of the queues.
func (b *Bridge) register(ctx context.Context, m *metrics.Registry, records *postgres.Store, asClients map[string]*bullmq.Queue) {
	b.metrics = m.Bridge()
	m.Records(ctx, func(ctx context.Context) (metrics.Records, error) {
		figures, err := records.Figures(ctx)
		if err != nil {
			return metrics.Records{}, fmt.Errorf("reading the figures of the queues: %w", err)
		}
		return recordsOf(figures), nil
	})
	m.Reliability(ctx, records.ReliabilityTally)
	m.Shown(ctx, func(ctx context.Context) ([]metrics.Shown, error) {
		defs := queue.All()
		shown, problems := make([]metrics.Shown, len(defs)), make([]error, len(defs))
		var all sync.WaitGroup
		for i, def := range defs {
			all.Go(func() {
				projector := bullmq.NewProjector(b.clients.of(def.Name), b.keep.Prefix)
				shown[i], problems[i] = look(ctx, projector, asClients[def.Name], def.Name)
			})
		}
		all.Wait()
		var answered []metrics.Shown // a Redis that is away has nothing to tell
		for i, err := range problems {
			if err == nil {
				answered = append(answered, shown[i])
			}
		}
		return answered, errors.Join(problems...)
	})
}

// recordsOf has every queue and state, also those of which there is nothing: a gauge that vanishes raises no alert.
func recordsOf(f store.Figures) metrics.Records {
	depths, backlogs := map[string]store.Depth{}, map[string]store.Backlog{}
	for _, d := range f.Depths {
		depths[d.Queue+"/"+string(d.State)] = d
	}
	for _, b := range f.Backlogs {
		backlogs[b.Queue] = b
	}
	var r metrics.Records
	for _, def := range queue.All() {
		for _, state := range []queue.State{queue.Waiting, queue.Delayed, queue.Active} {
			d := depths[def.Name+"/"+string(state)]
			r.Depths = append(r.Depths, metrics.Depth{Queue: def.Name, State: string(state), Jobs: d.Jobs, Oldest: d.Oldest})
		}
		b := backlogs[def.Name]
		r.Backlogs = append(r.Backlogs, metrics.Backlog{Queue: def.Name, Rows: b.Rows, Oldest: b.Oldest, SetAside: b.SetAside})
	}
	return r
}

// look asks Redis for what it shows of a queue, and how it is.
func look(ctx context.Context, projector *bullmq.Projector, q *bullmq.Queue, queueName string) (metrics.Shown, error) {
	counts, err := q.Counts(ctx)
	if err != nil {
		return metrics.Shown{}, err
	}
	s := metrics.Shown{Queue: queueName, Jobs: make(map[string]int, len(counts))}
	for state, n := range counts {
		s.Jobs[string(state)] = n
	}
	for state, into := range map[bullmq.State]*int{bullmq.Completed: &s.Completed, bullmq.Failed: &s.Failed} {
		ended, err := q.Metrics(ctx, state, 0, 0)
		if err != nil {
			return s, err
		}
		*into = ended.Count
	}
	memory, err := projector.Memory(ctx, queueName)
	if err != nil {
		return s, err
	}
	s.Evicts, s.Evicted = evicts(memory.Policy), memory.Evicted
	s.Used, s.Limit = memory.Used, memory.Limit
	return s, nil
}
