package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// outbox measures the whole relay: jobs went through their lives in Postgres while no bridge was there, and now one shows
// them.
func (b *bench) outbox(ctx context.Context) error {
	const jobs = 2000
	server, err := b.database(ctx)
	if err != nil {
		return err
	}
	defer server.Kill()
	if err := postgres.Migrate(ctx, server.URL()); err != nil {
		return fmt.Errorf("preparing the database: %w", err)
	}
	if err := b.rdb.FlushAll(ctx).Err(); err != nil {
		return fmt.Errorf("emptying Redis: %w", err)
	}
	cfg, err := config.Load([]string{"DATABASE_URL=" + server.URL(), "REDIS_URL=" + b.url, "QUEUE_PREFIX=" + prefix})
	if err != nil {
		return fmt.Errorf("making settings: %w", err)
	}
	records, err := postgres.Open(ctx, server.URL(), 4)
	if err != nil {
		return err
	}
	defer records.Close()
	def, ok := queue.Find(queue.TestExecution)
	if !ok {
		return fmt.Errorf("there is no queue %s", queue.TestExecution)
	}
	keys := bullmq.NewKeys(prefix, def.Name)
	if err := b.rdb.HSet(ctx, keys.Meta(), "opts.maxLenEvents", untrimmed).Err(); err != nil {
		return fmt.Errorf("setting the stream's length: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(3)
	for range jobs {
		group.Go(func() error { return liveInPostgres(groupCtx, records, def) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("filling the outbox: %w", err)
	}
	ended := make(chan error, 1)
	started := time.Now()
	go func() { ended <- redisbridge.Run(ctx, cfg, b.log, func() {}) }()
	for b.rdb.XLen(ctx, keys.Events()).Val() < 4*jobs {
		select {
		case err := <-ended:
			return fmt.Errorf("the bridge ended: %w", err)
		case <-time.After(time.Millisecond):
		}
	}
	took := time.Since(started)
	cancel()
	if err := <-ended; err != nil {
		return err
	}
	if took <= 0 {
		return fmt.Errorf("it took %s", took)
	}
	b.say("\nThe whole relay, from the outbox in Postgres to Redis (added, waiting, active, completed; progress doesn't go that way):")
	b.say("  %.0f jobs/s, %.0f changes/s, from its start with %d changes waiting", jobs/took.Seconds(), 3*jobs/took.Seconds(), 3*jobs)
	return nil
}

// liveInPostgres takes one job through its life.
func liveInPostgres(ctx context.Context, records *postgres.Store, def queue.Definition) error {
	id := uuid.NewString()
	at := func() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
	_, added := queue.New(def, id, json.RawMessage(jobData), queue.Options{Attempts: 3, RemoveOnComplete: 10_000}, at())
	_, _, err := records.CreateRun(ctx, store.NewRun{
		Run: store.Run{
			ID: id, TestCaseID: "inline-case", Title: "A case", MaxAttempts: 3, WorkflowID: def.WorkflowID(id), CreatedAt: added.Job.CreatedAt,
		},
		Definition: json.RawMessage(`{"title":"A case","steps":[]}`), WorkflowInput: json.RawMessage(`{}`), Added: added,
	})
	if err != nil {
		return err
	}
	claim, err := records.ClaimAttempt(ctx, def.Name, id, "wk", 0, at(), nil)
	if err != nil {
		return err
	}
	_, err = records.FinishAttempt(ctx, def.Name, id, claim.Attempt, store.Outcome{
		Status: store.RunCompleted, Result: json.RawMessage(result), Progress: json.RawMessage(record),
	}, at())
	return err
}
