package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/starter"
)

// attempts is how many are looked at.
const attempts = 60

// shares are the parts of an attempt that are not its steps, in milliseconds, in their order.
type shares [6]float64

// partsOf names them.
func partsOf() [6]string {
	return [6]string{
		"claim in Redis and Postgres", "browser context and page, and the plan of steps", "records between the steps",
		"record of the last step, closing the context", "outcome in Postgres, answer to Temporal", "all",
	}
}

// overhead measures what attempts do beyond their steps: one at a time, from when Temporal gives an attempt to the worker
// until it has its result.
func (b *bench) overhead(ctx context.Context) error {
	all := scenarios()
	var found []shares
	for i := range attempts + slots {
		definition, err := all[i%len(all)].definition()
		if err != nil {
			return err
		}
		id, err := b.system.submit(ctx, definition, map[string]any{"config": b.config()})
		if err != nil {
			return err
		}
		if _, err := b.system.awaitRuns(ctx, []string{id}, "completed"); err != nil {
			return err
		}
		s, err := b.system.sharesOf(ctx, id)
		if err != nil {
			return err
		}
		if i >= slots { // the first ones are cold
			found = append(found, s)
		}
	}
	sums := make([]float64, len(found))
	for i, s := range found {
		sums[i] = s[len(s)-1]
	}
	for i, name := range partsOf() {
		figures := make([]float64, len(found))
		var share float64
		for n, s := range found {
			figures[n] = s[i]
			share += s[i] / s[len(s)-1] / float64(len(found))
		}
		b.say("  %5.1f ms (p99 %5.1f) %3.0f %%  %s", percentile(figures, 0.5), percentile(figures, 0.99), 100*share, name)
	}
	b.found("overhead_ms", "%.0f (p50), %.0f (p99) of %d attempts, one at a time", percentile(sums, 0.5), percentile(sums, 0.99), len(sums))
	return nil
}

// config is that of every run here: as fast as a test may be.
func (b *bench) config() map[string]any {
	return map[string]any{"baseUrl": b.system.Shop, "viewport": map[string]any{"width": 1280, "height": 720}}
}

// testStep is a step as the API shows it.
type testStep struct {
	Duration  float64   `json:"duration"`
	StartedAt time.Time `json:"startedAt"`
}

func (s testStep) end() time.Time {
	return s.StartedAt.Add(time.Duration(s.Duration * float64(time.Millisecond)))
}

// sharesOf tells what the attempt of a run did, by the times that Temporal, the run and its steps have.
func (s *system) sharesOf(ctx context.Context, id string) (shares, error) {
	r, err := s.show(ctx, id)
	if err != nil {
		return shares{}, err
	}
	var list struct {
		Items []testStep `json:"items"`
	}
	if err := s.call(ctx, http.MethodGet, "/api/test-runs/"+id+"/steps", nil, &list); err != nil {
		return shares{}, err
	}
	steps := list.Items
	began, ended, err := s.attemptTimes(ctx, id)
	if err != nil {
		return shares{}, err
	}
	var between, inSteps time.Duration
	for i, step := range steps {
		inSteps += step.end().Sub(step.StartedAt)
		if i > 0 {
			between += step.StartedAt.Sub(steps[i-1].end())
		}
	}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	return shares{
		ms(r.StartedAt.Sub(began)), ms(steps[0].StartedAt.Sub(r.StartedAt)), ms(between), ms(r.FinishedAt.Sub(steps[len(steps)-1].end())),
		ms(ended.Sub(r.FinishedAt)), ms(ended.Sub(began) - inSteps),
	}, nil
}

// attemptTimes is when Temporal gave the attempt away, and when it had its result.
func (s *system) attemptTimes(ctx context.Context, id string) (began, ended time.Time, err error) {
	client, err := starter.Dial(config.Temporal{Address: s.Temporal, Namespace: "default"}, slog.New(slog.DiscardHandler))
	if err != nil {
		return began, ended, fmt.Errorf("asking Temporal: %w", err)
	}
	defer client.Close()
	def, _ := queue.Find(queue.TestExecution)
	history := client.GetWorkflowHistory(ctx, def.WorkflowID(id), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		if err != nil {
			return began, ended, fmt.Errorf("reading the history of %s: %w", id, err)
		}
		switch event.GetEventType() { //nolint:exhaustive // the others say nothing of the attempt
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
			began = event.GetEventTime().AsTime()
		case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			ended = event.GetEventTime().AsTime()
		}
	}
	return began, ended, nil
}
