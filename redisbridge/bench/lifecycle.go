package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

const (
	// wave is how many jobs are added, started and ended by one batch of changes: about as many as a relay takes at once.
	wave = 330
	// untrimmed keeps every entry of the stream, on both sides, to be counted afterwards.
	untrimmed = "100000000"
	updates   = 5
)

const (
	jobData = `{"testCaseId":"7b1f9a52-64c5-4d0c-9a53-3f1f6f0f9a11","testRunId":"0c5ffad0-6c6b-4d0f-8f5e-1f2a3b4c5d6e","userId":"u-17"}`
	result  = `{"testRunId":"0c5ffad0-6c6b-4d0f-8f5e-1f2a3b4c5d6e","status":"completed","totalSteps":5,"completedSteps":5,"failedSteps":0}`
	record  = `{"testRunId":"0c5ffad0-6c6b-4d0f-8f5e-1f2a3b4c5d6e","currentStep":3,"totalSteps":5,"message":"clicking"}`
)

// setting is one way to drive BullMQ.
type setting struct {
	concurrency int
	burst       bool // the five updates of a job are sent without waiting for each other
}

func (s setting) String() string {
	if s.burst {
		return fmt.Sprintf("concurrency %d, updates in a burst", s.concurrency)
	}
	return fmt.Sprintf("concurrency %d, updates one by one", s.concurrency)
}

// turn is what one side did in one round.
type turn struct {
	rate             float64 // jobs a second
	commands, bytes  float64 // per job, as Redis counts them
	roundTrips       float64 // per job, or less than 0: not counted
	redisMicroPerJob float64
}

// lifecycle lets both sides take jobs through whole lives and returns how many times more the bridge does in a second.
func (b *bench) lifecycle(ctx context.Context) (float64, error) {
	b.say("\nA whole life: added, waiting, active, %d progress updates, completed; %d jobs a round.", updates, b.jobs)
	best, bestRate := setting{}, 0.0
	for _, s := range []setting{{50, false}, {200, false}, {50, true}, {100, true}, {200, true}, {500, true}} {
		rate := 0.0
		for range 2 { // one slow turn says nothing of a setting
			t, err := b.bullmqLife(ctx, s, b.jobs/2)
			if err != nil {
				return 0, err
			}
			rate = max(rate, t.rate)
		}
		b.say("  BullMQ, %s: %.0f jobs/s", s, rate)
		if rate > bestRate {
			best, bestRate = s, rate
		}
	}
	if _, err := b.bridgeLife(ctx, b.jobs/2); err != nil { // to be as warm as the other side
		return 0, err
	}
	b.say("  taking turns: BullMQ (%s), bridge", best)
	var theirs, ours []turn
	var ratios []float64
	for range b.rounds {
		a, err := b.bullmqLife(ctx, best, b.jobs)
		if err != nil {
			return 0, err
		}
		z, err := b.bridgeLife(ctx, b.jobs)
		if err != nil {
			return 0, err
		}
		theirs, ours, ratios = append(theirs, a), append(ours, z), append(ratios, z.rate/a.rate)
	}
	b.report("BullMQ", theirs)
	b.report("bridge", ours)
	median, lowest, highest := spread(ratios)
	b.say("  ratio of jobs/s, pair by pair: median %.2f (%.2f to %.2f)", median, lowest, highest)
	return median, nil
}

// profile lets the bridge alone take jobs through their lives, again and again.
func (b *bench) profile(ctx context.Context) error {
	for range b.rounds {
		t, err := b.bridgeLife(ctx, b.jobs)
		if err != nil {
			return err
		}
		b.report("bridge", []turn{t})
	}
	return nil
}

func (b *bench) report(side string, turns []turn) {
	of := func(figure func(turn) float64) []float64 {
		all := make([]float64, len(turns))
		for i, t := range turns {
			all[i] = figure(t)
		}
		return all
	}
	rate, lowest, highest := spread(of(func(t turn) float64 { return t.rate }))
	commands, _, _ := spread(of(func(t turn) float64 { return t.commands }))
	bytes, _, _ := spread(of(func(t turn) float64 { return t.bytes }))
	cpu, _, _ := spread(of(func(t turn) float64 { return t.redisMicroPerJob }))
	trips, _, _ := spread(of(func(t turn) float64 { return t.roundTrips }))
	text := "not counted: it pipelines on its own"
	if trips >= 0 {
		text = strconv.FormatFloat(trips, 'f', 3, 64) + " (its own calls, each one round trip)"
	}
	b.say("  %s: %.0f jobs/s (%.0f to %.0f); per job %.2f commands and %.0f bytes to Redis (INFO stats: commands that clients"+
		" and scripts call, network input), %.0f µs of Redis's CPU; round trips %s", side, rate, lowest, highest, commands, bytes, cpu, text)
}

// measured runs one side's turn on an empty Redis and counts what it costs.
func (b *bench) measured(ctx context.Context, jobs int, do func(queue string) (took time.Duration, roundTrips int, err error)) (turn, error) {
	if err := b.rdb.FlushAll(ctx).Err(); err != nil {
		return turn{}, fmt.Errorf("emptying Redis: %w", err)
	}
	queue := "q" + strings.ReplaceAll(uuid.NewString(), "-", "")[:8]
	before, cpu := b.info(ctx, "stats"), b.cpuMicros(ctx)
	took, roundTrips, err := do(queue)
	if err != nil {
		return turn{}, err
	}
	after, cpuAfter := b.info(ctx, "stats"), b.cpuMicros(ctx)
	if err := b.verify(ctx, queue, jobs); err != nil {
		return turn{}, err
	}
	n := float64(jobs)
	return turn{
		rate:             n / took.Seconds(),
		commands:         difference(before, after, "total_commands_processed") / n,
		bytes:            difference(before, after, "total_net_input_bytes") / n,
		roundTrips:       float64(roundTrips) / n,
		redisMicroPerJob: (cpuAfter - cpu) / n,
	}, nil
}

func (b *bench) bullmqLife(ctx context.Context, s setting, jobs int) (turn, error) {
	t, err := b.measured(ctx, jobs, func(queue string) (time.Duration, int, error) {
		var millis float64
		err := b.node.call("life", map[string]any{
			"queue": queue, "jobs": jobs, "concurrency": s.concurrency, "burst": s.burst,
			"record": json.RawMessage(record), "data": json.RawMessage(jobData), "result": json.RawMessage(result),
		}, &millis)
		return time.Duration(millis * float64(time.Millisecond)), -jobs, err
	})
	if err != nil {
		return t, fmt.Errorf("BullMQ: %w", err)
	}
	return t, nil
}

func (b *bench) bridgeLife(ctx context.Context, jobs int) (turn, error) {
	t, err := b.measured(ctx, jobs, func(queue string) (time.Duration, int, error) {
		projector := bullmq.NewProjector(b.rdb, prefix, bullmq.WithMetrics(20160))
		if err := b.rdb.HSet(ctx, projector.Keys(queue).Meta(), "opts.maxLenEvents", untrimmed).Err(); err != nil {
			return 0, 0, fmt.Errorf("setting the stream's length: %w", err)
		}
		f := &flow{projector: projector, queue: queue, waves: newWaves(jobs)}
		started := time.Now()
		err := f.run(ctx)
		return time.Since(started), f.roundTrips, err
	})
	if err != nil {
		return t, fmt.Errorf("bridge: %w", err)
	}
	return t, nil
}

// flow shows jobs as the product does: a relay applies batches of changes in the order in which they happened, and
// beside it a publisher shows the progress of the jobs that are active.
type flow struct {
	projector  *bullmq.Projector
	queue      string
	waves      [][]*life
	roundTrips int
}

func newWaves(jobs int) [][]*life {
	var waves [][]*life
	for n := range jobs {
		if n%wave == 0 {
			waves = append(waves, nil)
		}
		last := len(waves) - 1
		waves[last] = append(waves[last], newLife(uuid.NewString()))
	}
	return waves
}

// run adds one wave of jobs while the one before it starts and one whose progress was shown ends.
func (f *flow) run(ctx context.Context) error {
	active, shown := make(chan int, len(f.waves)), make(chan int, len(f.waves))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(shown)
		for n := range active {
			if err := f.progress(ctx, f.waves[n]); err != nil {
				return err
			}
			shown <- n
		}
		return nil
	})
	trips := 0
	group.Go(func() error {
		defer close(active)
		const lag = 3 // waves between the beginning of a job and its end
		for n := range len(f.waves) + lag {
			if n >= lag {
				if _, ok := <-shown; !ok {
					return nil // the publisher says why
				}
			}
			if err := f.apply(ctx, f.batch(n, n-1, n-lag)); err != nil {
				return err
			}
			trips++
			if n >= 1 && n-1 < len(f.waves) {
				active <- n - 1
			}
		}
		return nil
	})
	err := group.Wait()
	f.roundTrips = trips + len(f.waves)
	return err //nolint:wrapcheck // it is wrapped already
}

// batch is what happens at once: jobs are added, others start, others end.
func (f *flow) batch(added, started, ended int) []bullmq.Change {
	changes := make([]bullmq.Change, 0, 3*wave)
	of := func(n, i int) *life {
		if n < 0 || n >= len(f.waves) || i >= len(f.waves[n]) {
			return nil
		}
		return f.waves[n][i]
	}
	for i := range wave {
		if l := of(ended, i); l != nil {
			changes = append(changes, l.ends())
		}
		if l := of(started, i); l != nil {
			changes = append(changes, l.starts())
		}
		if l := of(added, i); l != nil {
			changes = append(changes, l.added())
		}
	}
	return changes
}

func (f *flow) apply(ctx context.Context, changes []bullmq.Change) error {
	if len(changes) == 0 {
		return nil
	}
	applied, err := f.projector.Apply(ctx, f.queue, changes)
	if err != nil {
		return fmt.Errorf("showing changes: %w", err)
	}
	for i, a := range applied {
		if a.Outcome != bullmq.Projected {
			return fmt.Errorf("change %d of job %s is %s: %w", changes[i].Seq, changes[i].Job.ID, a.Outcome, a.Err)
		}
	}
	return nil
}

func (f *flow) progress(ctx context.Context, jobs []*life) error {
	all := make([]bullmq.Progress, 0, updates*len(jobs))
	for _, l := range jobs {
		for n := 1; n <= updates; n++ {
			value := record[:len(record)-1] + `,"percentage":` + strconv.Itoa(20*n) + `}`
			all = append(all, bullmq.Progress{JobID: l.job.ID, Attempt: 1, Value: json.RawMessage(value)})
		}
	}
	shown, err := f.projector.Progress(ctx, f.queue, all)
	if err != nil {
		return fmt.Errorf("showing progress: %w", err)
	}
	for i, ok := range shown {
		if !ok {
			return fmt.Errorf("progress of job %s was not shown", all[i].JobID)
		}
	}
	return nil
}

// life makes the changes of one job.
type life struct{ job bullmq.Job }

func newLife(id string) *life {
	return &life{bullmq.Job{
		ID: id, Name: "execute-test", Data: json.RawMessage(jobData), Opts: json.RawMessage(`{"attempts":3}`),
		MaxAttempts: 3, State: bullmq.Waiting,
	}}
}

func (l *life) added() bullmq.Change {
	l.job.Timestamp = time.Now()
	return bullmq.Change{Job: l.job, Transition: bullmq.Added, Seq: 1}
}

func (l *life) starts() bullmq.Change {
	l.job.State, l.job.ProcessedOn, l.job.ProcessedBy, l.job.AttemptsStarted = bullmq.Active, time.Now(), "wk", 1
	return bullmq.Change{Job: l.job, Transition: bullmq.Started, Seq: 2}
}

func (l *life) ends() bullmq.Change {
	l.job.State, l.job.FinishedOn, l.job.AttemptsMade = bullmq.Completed, time.Now(), 1
	l.job.ReturnValue = json.RawMessage(result)
	return bullmq.Change{Job: l.job, Transition: bullmq.Succeeded, Seq: 3}
}
