package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/starter"
)

const (
	// stepLimit and attemptLimit are the times that are up.
	stepLimit    = time.Second
	attemptLimit = 4 * time.Second
	// longStep outlasts everything here.
	longStep = time.Minute
	// endWithin is when an ending counts as one that never came.
	endWithin = 30 * time.Second
)

// ending is one way in which an attempt ends before its steps do.
type ending struct {
	name string
	// steps follow the one that opens the page; config changes the run's.
	steps  []map[string]any
	config map[string]any
	// end ends the attempt once the page is there, and returns since when its browser context should be gone.
	end func(ctx context.Context, b *bench, id string) (time.Time, error)
}

// wait is a step that waits for what never comes.
func wait(limit time.Duration) map[string]any {
	return map[string]any{"type": "waitForElement", "selectors": [][]string{{"#never"}}, "timeout": limit.Milliseconds()}
}

// loop is a step that keeps the page busy for ever.
func loop(limit time.Duration) map[string]any {
	return map[string]any{"type": "waitForExpression", "expression": "(() => { for (;;); })()", "timeout": limit.Milliseconds()}
}

func endings() []ending {
	limit := map[string]any{"timeout": attemptLimit.Milliseconds()}
	return []ending{
		{name: "timeout_ms.step", steps: []map[string]any{wait(stepLimit)}, end: stepIsUp},
		{name: "timeout_ms.step_of_a_page_that_hangs", steps: []map[string]any{loop(stepLimit)}, end: stepIsUp},
		{name: "timeout_ms.attempt", steps: []map[string]any{wait(longStep)}, config: limit, end: attemptIsUp},
		{name: "timeout_ms.attempt_of_a_page_that_hangs", steps: []map[string]any{loop(longStep)}, config: limit, end: attemptIsUp},
		{name: "cancel_ms.api", steps: []map[string]any{wait(longStep)}, end: cancelByAPI},
		{name: "cancel_ms.temporal", steps: []map[string]any{wait(longStep)}, end: cancelByTemporal},
		{name: "cancel_ms.temporal_of_a_page_that_hangs", steps: []map[string]any{loop(longStep)}, end: cancelByTemporal},
		{name: "cancel_ms.bullmq", steps: []map[string]any{wait(longStep)}, end: removeByBullMQ},
	}
}

// endingsOf measures how long after its end was due an attempt's browser context is gone: the page's open connection, and
// the processes that came with it.
func (b *bench) endingsOf(ctx context.Context) error {
	pages, err := openPages(ctx)
	if err != nil {
		return err
	}
	defer pages.close()
	for _, e := range endings() {
		var figures []float64
		for range b.endings {
			took, err := b.endOnce(ctx, pages, e)
			if err != nil {
				return fmt.Errorf("%s: %w", e.name, err)
			}
			figures = append(figures, took.Seconds()*1000)
		}
		b.say("  %-45s %5.0f ms (p50), %5.0f (longest) of %d", e.name, percentile(figures, 0.5), percentile(figures, 1), len(figures))
		b.found(e.name, "%.0f (longest of %d), %.0f (p50)", percentile(figures, 1), len(figures), percentile(figures, 0.5))
	}
	return nil
}

func (b *bench) endOnce(ctx context.Context, pages *pages, e ending) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, endWithin)
	defer cancel()
	page := pages.add(uuid.NewString())
	definition, err := json.Marshal(map[string]any{"title": e.name, "steps": append([]map[string]any{{"type": "navigate", "url": page.path}}, e.steps...)})
	if err != nil {
		return 0, fmt.Errorf("writing the case: %w", err)
	}
	settings := map[string]any{"baseUrl": pages.url}
	maps.Copy(settings, e.config)
	before := renderers(b.system.dev.Process.Pid)
	id, err := b.system.submit(ctx, definition, map[string]any{"config": settings})
	if err != nil {
		return 0, err
	}
	if err := page.await(ctx, page.opened); err != nil {
		return 0, fmt.Errorf("waiting for the page: %w", err)
	}
	came := minus(renderers(b.system.dev.Process.Pid), before)
	due, err := e.end(ctx, b, id)
	if err != nil {
		return 0, err
	}
	if err := page.await(ctx, page.gone); err != nil {
		return 0, fmt.Errorf("waiting for the end of the page: %w", err)
	}
	err = poll(ctx, 2*time.Millisecond, func() (bool, error) {
		now := renderers(b.system.dev.Process.Pid)
		return len(minus(came, minus(came, now))) == 0, nil
	})
	took := time.Since(due)
	if err != nil {
		return 0, fmt.Errorf("waiting for the end of the page's processes: %w", err)
	}
	_, err = b.system.awaitRuns(ctx, []string{id}, "")
	return took, err
}

// stepIsUp waits until the last step has begun, whose time is then up a while later.
func stepIsUp(ctx context.Context, b *bench, id string) (time.Time, error) {
	var due time.Time
	err := poll(ctx, 10*time.Millisecond, func() (bool, error) {
		var list struct {
			Items []testStep `json:"items"`
		}
		if err := b.system.call(ctx, http.MethodGet, "/api/test-runs/"+id+"/steps", nil, &list); err != nil {
			return false, err
		}
		if len(list.Items) == 0 {
			return false, nil
		}
		first := list.Items[0]
		// The record of the first step comes with its end, after which the second one begins.
		due = first.end().Add(stepLimit)
		return first.Duration > 0, nil
	})
	return due, err
}

func attemptIsUp(ctx context.Context, b *bench, id string) (time.Time, error) {
	r, err := b.system.show(ctx, id)
	return r.StartedAt.Add(attemptLimit), err
}

func cancelByAPI(ctx context.Context, b *bench, id string) (time.Time, error) {
	now := time.Now()
	return now, b.system.call(ctx, http.MethodPost, "/api/test-runs/"+id+"/cancel", nil, nil)
}

func cancelByTemporal(ctx context.Context, b *bench, id string) (time.Time, error) {
	client, err := starter.Dial(config.Temporal{Address: b.system.Temporal, Namespace: "default"}, slog.New(slog.DiscardHandler))
	if err != nil {
		return time.Time{}, fmt.Errorf("asking Temporal: %w", err)
	}
	defer client.Close()
	def, _ := queue.Find(queue.TestExecution)
	now := time.Now()
	if err := client.CancelWorkflow(ctx, def.WorkflowID(id), ""); err != nil {
		return now, fmt.Errorf("cancelling the workflow: %w", err)
	}
	return now, nil
}

// removeByBullMQ deletes the job with the real library. Its remove leaves jobs alone that a worker has locked; obliterating
// the queue by force does not.
func removeByBullMQ(ctx context.Context, b *bench, _ string) (time.Time, error) {
	client, err := startBullMQ(ctx, b.modules, b.system.Redis)
	if err != nil {
		return time.Time{}, err
	}
	now := time.Now()
	err = client.ask(map[string]any{"on": "queue", "method": "obliterate", "args": []any{map[string]any{"force": true}}})
	return now, errors.Join(err, client.stop())
}
