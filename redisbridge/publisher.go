package redisbridge

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

const (
	// keptUpdates bounds what a run may have waiting to be published, mostUpdates what all runs may have; the oldest go first.
	keptUpdates = 64
	mostUpdates = 4096
	// startWithin is how long progress waits for the relay to show the attempt that it belongs to.
	startWithin = 3 * time.Second
	// publishWithin bounds one round, flushWithin the last ones.
	publishWithin = 3 * time.Second
	flushWithin   = time.Second
	retryUpdate   = 5 * time.Millisecond
	retryRedis    = 300 * time.Millisecond
)

// Publisher shows the progress of runs in Redis, straight from the worker. It never blocks its callers; while Redis is
// away it keeps only the newest progress of each run.
type Publisher struct {
	rdb       redis.UniversalClient
	projector *bullmq.Projector
	keys      progressKeys
	log       *slog.Logger
	// elsewhere are the publishers of the queues that live on another Redis: one that is away concerns only its own.
	elsewhere map[string]*Publisher

	mu      sync.Mutex
	pending []update
	wake    chan struct{}
	stop    chan struct{}
	stopped chan struct{}
	present sync.WaitGroup // connections that show clients a worker
}

type update struct {
	queue, jobID, runID string
	attempt             int
	record              json.RawMessage
	lines               []bullmq.Line // of the job's log; an update that is dropped leaves them to the next one of its run
	read                bool          // its record's own line is among them, or it was written
	written             time.Time     // when its progress:* key was; zero: not yet
	shown               bool          // only its lines are left
}

// NewPublisher makes a publisher and starts it. It goes on when ctx ends, until it is closed: the last progress of a run
// comes when its worker stops.
func NewPublisher(ctx context.Context, cfg config.Config, log *slog.Logger) (*Publisher, error) {
	connections, err := dial(cfg.Redis, log)
	if err != nil {
		return nil, err
	}
	publishers := make(map[redis.UniversalClient]*Publisher, len(connections.all))
	for _, rdb := range connections.all {
		p := &Publisher{
			rdb: rdb, projector: bullmq.NewProjector(rdb, cfg.Queue.Prefix), keys: newProgressKeys(), log: log,
			wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
		}
		publishers[rdb] = p
		go p.run(context.WithoutCancel(ctx))
		p.attend(context.WithoutCancel(ctx), cfg, connections.on(rdb))
	}
	first := publishers[connections.all[0]]
	first.elsewhere = map[string]*Publisher{}
	for queueName, rdb := range connections.queues {
		if p := publishers[rdb]; p != first {
			first.elsewhere[queueName] = p
		}
	}
	return first, nil
}

// Publish shows a run's progress soon.
func (p *Publisher) Publish(queueName, jobID, runID string, attempt int, record json.RawMessage) {
	if other := p.elsewhere[queueName]; other != nil {
		p = other
	}
	p.mu.Lock()
	p.pending = append(p.pending, update{
		queue: queueName, jobID: jobID, runID: runID, attempt: attempt, record: record,
	})
	if len(p.pending) >= mostUpdates { // Redis hangs, or is slower than we are
		p.pending = bounded(p.pending, true)
	}
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Close publishes what is pending, if Redis takes it, and stops; that takes four seconds at most.
func (p *Publisher) Close() {
	var others sync.WaitGroup
	for _, other := range p.distinctElsewhere() {
		others.Go(other.Close)
	}
	close(p.stop)
	<-p.stopped
	p.present.Wait()
	if err := p.rdb.Close(); err != nil {
		p.log.Warn("closing the progress connection", "error", err)
	}
	others.Wait()
}

func (p *Publisher) distinctElsewhere() []*Publisher {
	found := map[*Publisher]bool{}
	for _, other := range p.elsewhere {
		found[other] = true
	}
	return slices.Collect(maps.Keys(found))
}

func (p *Publisher) run(ctx context.Context) {
	defer close(p.stopped)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	away := false
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-p.wake:
		case <-pause.C:
		case <-p.stop:
		}
		if p.stopping() { // also when there is more to publish: Redis may hang
			p.flush(ctx)
			return
		}
		left, err := p.publish(ctx)
		if (err != nil) != away {
			away = err != nil
			if away {
				p.log.Warn("progress is not published while Redis is away", "error", explain(err))
			} else {
				p.log.Info("progress is published again")
			}
		}
		switch {
		case err != nil:
			pause.Reset(retryRedis)
		case left > 0:
			pause.Reset(retryUpdate)
		}
	}
}

func (p *Publisher) stopping() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}

// flush makes a last effort within bounds.
func (p *Publisher) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushWithin)
	defer cancel()
	for {
		left, err := p.publish(ctx)
		if left == 0 || err != nil {
			return
		}
		select {
		case <-time.After(retryUpdate):
		case <-ctx.Done():
			return
		}
	}
}

// publish sends what is pending and says how many updates are left for later.
func (p *Publisher) publish(ctx context.Context) (left int, err error) {
	p.mu.Lock()
	batch := p.pending
	p.pending = nil
	p.mu.Unlock()
	if len(batch) == 0 {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, publishWithin)
	defer cancel()
	again, err := p.send(ctx, batch)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = bounded(append(again, p.pending...), err != nil)
	return len(p.pending), err
}

// send publishes a batch: first what listeners of the queue wait for, in a round trip of its own, as Redis tells them of
// nothing before it has dealt with all that came at once; then the progress:* keys and the logs. It returns the updates that
// are to be tried again: all of them when Redis is away, else those whose attempt it doesn't show yet.
func (p *Publisher) send(ctx context.Context, batch []update) (again []update, err error) {
	byQueue := map[string][]int{}
	for i, u := range batch {
		if !u.shown {
			byQueue[u.queue] = append(byQueue[u.queue], i)
		}
	}
	for queueName, indexes := range byQueue {
		if err := p.tell(ctx, queueName, batch, indexes); err != nil {
			return batch, err
		}
	}
	if err := p.write(ctx, batch); err != nil {
		return batch, err
	}
	if err := p.writeLogs(ctx, batch); err != nil {
		return batch, err
	}
	for _, u := range batch {
		if !u.shown || len(u.lines) > 0 {
			again = append(again, u)
		}
	}
	return again, nil
}

// tell shows updates to the listeners of their queue.
func (p *Publisher) tell(ctx context.Context, queueName string, batch []update, indexes []int) error {
	updates := make([]bullmq.Progress, len(indexes))
	for n, i := range indexes {
		updates[n] = bullmq.Progress{JobID: batch[i].jobID, Attempt: batch[i].attempt, Value: batch[i].record}
	}
	shown, err := p.projector.Progress(ctx, queueName, updates)
	if shown == nil && err != nil {
		return err
	}
	if err != nil {
		p.log.ErrorContext(ctx, "progress can't be shown in Redis", "error", err)
	}
	newest := map[string]int{} // of each run, the last update that was shown: what came before it is of no use any more
	for n, i := range indexes {
		if shown[n] {
			newest[batch[i].runID] = n + 1
		}
	}
	for n, i := range indexes {
		late := !batch[i].written.IsZero() && time.Since(batch[i].written) >= startWithin
		batch[i].shown = shown[n] || n < newest[batch[i].runID] || late
	}
	return nil
}

// write shows updates in their runs' progress:* keys, each once: a later round must not bring an older one back.
func (p *Publisher) write(ctx context.Context, batch []update) error {
	pipe := p.rdb.Pipeline()
	writes := map[int]*redis.Cmd{}
	for i, u := range batch {
		if u.written.IsZero() {
			writes[i] = p.keys.queue(ctx, pipe, u.runID, u.record)
		}
	}
	if len(writes) == 0 {
		return nil
	}
	_, _ = pipe.Exec(ctx) // what went wrong is in the commands
	now := time.Now()
	for i, write := range writes {
		if write.Err() != nil {
			return write.Err() //nolint:wrapcheck // the caller logs it
		}
		batch[i].written = now
	}
	return nil
}

// bounded keeps the newest updates of each run, only one while Redis is away, and not too many of all runs.
func bounded(updates []update, away bool) []update {
	most := keptUpdates
	if away {
		most = 1
	}
	count := map[string]int{}
	for _, u := range updates {
		count[u.runID]++
	}
	kept := updates[:0]
	left := map[string][]bullmq.Line{} // by the updates of a run that are dropped
	for _, u := range updates {
		if count[u.runID] > most {
			count[u.runID]--
			u.readLine()
			left[u.runID] = append(left[u.runID], u.lines...)
			continue
		}
		if dropped := left[u.runID]; len(dropped) > 0 {
			u.lines = newestLines(append(dropped, u.lines...))
			delete(left, u.runID)
		}
		if away && !u.shown {
			u.written = time.Time{} // Redis may come back without it
		}
		kept = append(kept, u)
	}
	return kept[max(0, len(kept)-mostUpdates/2):]
}
