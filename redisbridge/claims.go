package redisbridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

const (
	// claimWithin bounds how long an attempt waits for Redis before it begins without it.
	claimWithin = 2 * time.Second
	// dueSoon is how much earlier than it is due a delayed job may be taken: its workflow, whose clock may be another,
	// says that it is time.
	dueSoon = time.Second
	// foreignPoll is when to look again after a job that another consumer has.
	foreignPoll = time.Minute
	// plannedPoll is when to look again after a job whose scheduler was changed, if no bridge has ended its workflow by then.
	plannedPoll = 5 * time.Second
)

// errPlanned leaves a run to the bridge that was planned by a scheduler as it is no more: it is forgotten with its workflow, and
// another one of the same id may follow.
var errPlanned = errors.New("the run was only planned")

// Claims asks Redis whether attempts may begin. What clients did to the queue without telling anybody takes effect here
// at the latest.
type Claims struct {
	clients  *clients
	mirrors  map[string]mirror
	queues   map[string]*bullmq.Queue
	required bool
	log      *slog.Logger
}

// NewClaims prepares claims. They share records with their owner, who closes both.
func NewClaims(cfg config.Config, records *postgres.Store, log *slog.Logger) (*Claims, error) {
	connections, err := dial(cfg.Redis, log)
	if err != nil {
		return nil, err
	}
	c := &Claims{clients: connections, mirrors: map[string]mirror{}, queues: map[string]*bullmq.Queue{}, required: cfg.Queue.Claim == "required", log: log}
	for _, def := range queue.All() {
		c.mirrors[def.Name] = mirror{
			projector: bullmq.NewProjector(connections.of(def.Name), cfg.Queue.Prefix), store: records, log: log,
		}
		if c.queues[def.Name], err = asClient(connections.of(def.Name), cfg.Queue.Prefix, def.Name); err != nil {
			return nil, errors.Join(err, connections.Close())
		}
	}
	return c, nil
}

// Close releases the connections.
func (c *Claims) Close() error { return c.clients.Close() }

// Claim takes a job for an attempt of a worker, or says why the attempt can't begin.
func (c *Claims) Claim(ctx context.Context, queueName, jobID, worker string) (queue.Grant, error) {
	m, ok := c.mirrors[queueName]
	if !ok {
		return queue.Grant{}, fmt.Errorf("claiming job %s: there is no queue %q", jobID, queueName)
	}
	now := time.Now()
	asking, cancel := context.WithTimeout(ctx, claimWithin)
	verdict, view, err := m.projector.Take(asking, queueName, jobID, worker, bullmq.Lock{}, now, now.Add(dueSoon))
	cancel()
	if err != nil {
		if ctx.Err() != nil {
			return queue.Grant{}, fmt.Errorf("claiming job %s: %w", jobID, ctx.Err())
		}
		if c.required {
			return queue.Grant{Kind: queue.Held, Why: "Redis does not answer, and BRIDGE_CLAIM is required"}, nil
		}
		c.log.WarnContext(ctx, "an attempt begins without Redis", "queue", queueName, "job_id", jobID, "error", err)
		return queue.Grant{Kind: queue.Granted}, nil
	}
	switch verdict {
	case bullmq.Taken, bullmq.Ours:
		c.armNext(ctx, queueName, view)
		return queue.Grant{Kind: queue.Granted, Taken: takenOf(view)}, nil
	case bullmq.Held:
		return queue.Grant{Kind: queue.Held, Why: "queue " + queueName + " is paused, or a limit of it is reached"}, nil
	case bullmq.Missing, bullmq.Other:
		return m.settle(ctx, queueName, jobID)
	}
	return queue.Grant{}, fmt.Errorf("claiming job %s: unknown verdict %q", jobID, verdict)
}

// armNext adds the job that comes after one of a job scheduler: the duty of whoever makes that active. If it can't be done
// now, the bridge does it.
func (c *Claims) armNext(ctx context.Context, queueName string, v bullmq.View) {
	if v.Fields["rjk"] == "" {
		return
	}
	if _, err := c.queues[queueName].ArmNext(ctx, bullmq.DecodeJob(v.ID, v.Fields)); err != nil {
		c.log.WarnContext(ctx, "the next job of a scheduler could not be added", "queue", queueName, "scheduler", v.Fields["rjk"], "error", explain(err))
	}
}

// asClient is a queue as clients use it. It says nothing of itself to others.
func asClient(rdb redis.UniversalClient, prefix, queueName string) (*bullmq.Queue, error) {
	q, err := bullmq.NewQueue(rdb, queueName, bullmq.WithPrefix(prefix), bullmq.WithoutAnnouncing())
	if err != nil {
		return nil, fmt.Errorf("opening queue %s: %w", queueName, err)
	}
	return q, nil
}

// settle finds out what became of a job that is not to be had in Redis.
func (m *mirror) settle(ctx context.Context, queueName, jobID string) (queue.Grant, error) {
	// The workflow is the one that asks: nobody needs to tell it.
	quiet := func(_ context.Context, r reconciled) (json.RawMessage, error) {
		if r.Gone && r.Planned() {
			return nil, errPlanned
		}
		return r.Start.WorkflowInput, nil
	}
	r, _, err := m.reconcile(ctx, queueName, jobID, quiet)
	switch {
	case errors.Is(err, errPlanned):
		return queue.Grant{Kind: queue.Later, At: time.Now().Add(plannedPoll), Why: "Its job scheduler was changed or removed"}, nil
	case err != nil:
		return queue.Grant{}, err
	case r.Gone:
		return queue.Grant{Kind: queue.Removed, Why: "a client removed the job"}, nil
	}
	known, err := m.store.JobsAmong(ctx, queueName, []string{jobID})
	if err != nil {
		return queue.Grant{}, fmt.Errorf("reading job %s: %w", jobID, err)
	}
	switch job := known[jobID]; {
	case job.State == queue.Delayed && time.Until(job.DueAt) > dueSoon:
		return queue.Grant{Kind: queue.Later, At: job.DueAt, Why: "Delayed"}, nil
	case job.State == queue.Active && job.Foreign:
		return queue.Grant{Kind: queue.Later, At: time.Now().Add(foreignPoll), Why: "Another consumer of the queue has the job"}, nil
	default: // Redis doesn't show yet, or not any more, what the record says; that counts
		return queue.Grant{Kind: queue.Granted}, nil
	}
}

// takenOf reads what an attempt needs to know of the job that it took.
func takenOf(v bullmq.View) *queue.Taken {
	t := &queue.Taken{
		Started: number(v, "ats"), Made: number(v, "atm"), Priority: number(v, "priority"),
		At: milliseconds(v, "processedOn"), Data: json.RawMessage(v.Fields["data"]), Deferred: v.Fields["defa"],
	}
	if !json.Valid(t.Data) {
		t.Data = json.RawMessage(`{}`)
	}
	return t
}

func number(v bullmq.View, field string) int {
	n, err := strconv.Atoi(v.Fields[field])
	if err != nil {
		return 0
	}
	return n
}

// milliseconds reads a time; zero if it isn't there.
func milliseconds(v bullmq.View, field string) time.Time {
	n, err := strconv.ParseInt(v.Fields[field], 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}
