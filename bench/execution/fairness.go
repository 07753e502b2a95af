package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// short is a case that takes about as long as an attempt must.
func short(b *bench) (json.RawMessage, map[string]any, error) {
	text, err := scenario{title: "Weigh cinnamon", actions: []action{visit("/kitchen"), fill("#teaspoons", "2"), click("#convert"), says("#grams", "5.2 g")}}.definition()
	return text, b.config(), err
}

// fairness measures how long user B's few runs wait, alone and behind user A's many, which come one by one or as a suite.
func (b *bench) fairness(ctx context.Context) error {
	if _, err := b.few(ctx); err != nil { // the first ones of a system may be slow
		return err
	}
	for _, way := range []struct {
		name string
		add  func(context.Context) (backlog, error)
	}{{"runs", b.many}, {"suite", b.suite}} {
		before, err := b.few(ctx)
		if err != nil {
			return err
		}
		many, err := way.add(ctx)
		if err != nil {
			return err
		}
		behind, err := b.few(ctx)
		if err != nil {
			return err
		}
		if err := many.cancel(); err != nil {
			return err
		}
		after, err := b.few(ctx) // the machine may have become slower or faster meanwhile
		if err != nil {
			return err
		}
		starts, err := b.startsAmong(ctx, many, behind)
		if err != nil {
			return err
		}
		alone := before.mean(after)
		b.say("  user B alone: %s; afterwards: %s", before, after)
		b.say("  user B behind %d runs of user A's (%s): %s", b.backlog, way.name, behind)
		b.found("fairness_"+way.name, "%.2f (p95 of the waits), %.2f (the longest), %.2f (until all had ended); %d runs of A's started before the last of B's %d",
			behind.p95/alone.p95, behind.longest/alone.longest, behind.whole/alone.whole, starts, b.theirs)
	}
	return nil
}

// waits are how long runs waited for their start, in milliseconds; whole is how long until all of them had ended.
type waits struct {
	p50, p95, longest, whole float64
	// accepted is when the first one was, started when the last one was.
	accepted, started time.Time
}

func (w waits) mean(o waits) waits {
	return waits{p50: (w.p50 + o.p50) / 2, p95: (w.p95 + o.p95) / 2, longest: (w.longest + o.longest) / 2, whole: (w.whole + o.whole) / 2}
}

// backlog is the runs of the user who has many.
type backlog struct {
	ids    []string
	cancel func() error
}

// startsAmong counts the runs of the backlog that started from when the first of the few was accepted until the last of
// them started: with equal shares as many as there are of the few, whatever else the machine does.
func (b *bench) startsAmong(ctx context.Context, many backlog, few waits) (int, error) {
	runs, err := b.all(ctx, many.ids)
	if err != nil {
		return 0, err
	}
	count := 0
	for _, r := range runs {
		if r.StartedAt.After(few.accepted) && r.StartedAt.Before(few.started) {
			count++
		}
	}
	return count, nil
}

func (w waits) String() string {
	return fmt.Sprintf("waited %.0f ms (p50), %.0f (p95), %.0f (longest), all had ended after %.0f", w.p50, w.p95, w.longest, w.whole)
}

// few submits the runs of the user who has few, and waits for their end.
func (b *bench) few(ctx context.Context) (waits, error) {
	ids, err := b.submitAll(ctx, b.theirs, "user-b", nil)
	if err != nil {
		return waits{}, err
	}
	runs, err := b.system.awaitRuns(ctx, ids, "completed")
	if err != nil {
		return waits{}, err
	}
	figures := make([]float64, len(runs))
	first, last, started := runs[0].CreatedAt, runs[0].FinishedAt, runs[0].StartedAt
	for i, r := range runs {
		figures[i] = r.waited()
		if r.CreatedAt.Before(first) {
			first = r.CreatedAt
		}
		if r.FinishedAt.After(last) {
			last = r.FinishedAt
		}
		if r.StartedAt.After(started) {
			started = r.StartedAt
		}
	}
	return waits{
		p50: percentile(figures, 0.5), p95: percentile(figures, 0.95), longest: percentile(figures, 1), whole: last.Sub(first).Seconds() * 1000,
		accepted: first, started: started,
	}, nil
}

// submitters is how many requests are sent at once.
const submitters = 8

func (b *bench) submitAll(ctx context.Context, count int, user string, fields map[string]any) ([]string, error) {
	definition, settings, err := short(b)
	if err != nil {
		return nil, err
	}
	request := map[string]any{"userId": user, "config": settings}
	maps.Copy(request, fields)
	ids := make([]string, count)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(submitters)
	for i := range ids {
		group.Go(func() (err error) {
			ids[i], err = b.system.submit(ctx, definition, request)
			return err
		})
	}
	return ids, group.Wait()
}

// many submits the runs of the user who has many, one by one.
func (b *bench) many(ctx context.Context) (backlog, error) {
	ids, err := b.submitAll(ctx, b.backlog, "user-a", nil)
	return backlog{ids, func() error { return b.cancelAll(ctx, ids) }}, err
}

// cancelAll ends the runs that have not ended.
func (b *bench) cancelAll(ctx context.Context, ids []string) error {
	group, cancelling := errgroup.WithContext(ctx)
	group.SetLimit(submitters)
	for _, id := range slices.Backward(ids) {
		group.Go(func() error {
			err := b.system.call(cancelling, http.MethodPost, "/api/test-runs/"+id+"/cancel", nil, nil)
			if r, showErr := b.system.show(cancelling, id); showErr == nil && r.ended() {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return b.awaitIdle(ctx, ids)
}

// awaitIdle waits until runs have ended, however they end.
func (b *bench) awaitIdle(ctx context.Context, ids []string) error {
	const page = 200
	for from := 0; from < len(ids); from += page {
		if _, err := b.system.awaitRuns(ctx, ids[from:min(from+page, len(ids))], ""); err != nil {
			return err
		}
	}
	return nil
}

// suite submits the runs of the user who has many as one suite.
func (b *bench) suite(ctx context.Context) (backlog, error) {
	id, err := b.submitSuite(ctx)
	if err != nil {
		return backlog{}, err
	}
	ids, err := b.idsOfSuite(ctx, id)
	return backlog{ids, func() error {
		if err := b.system.call(ctx, http.MethodPost, "/api/suite-runs/"+id+"/cancel", nil, nil); err != nil {
			return err
		}
		return b.awaitIdle(ctx, ids)
	}}, err
}

// idsOfSuite lists the runs of a suite run.
func (b *bench) idsOfSuite(ctx context.Context, id string) ([]string, error) {
	const page = 200
	var ids []string
	for {
		var list struct {
			Items []testRun `json:"items"`
		}
		path := fmt.Sprintf("/api/suite-runs/%s/runs?limit=%d&offset=%d", id, page, len(ids))
		if err := b.system.call(ctx, http.MethodGet, path, nil, &list); err != nil {
			return nil, err
		}
		for _, r := range list.Items {
			ids = append(ids, r.ID)
		}
		if len(list.Items) < page {
			return ids, nil
		}
	}
}

func (b *bench) submitSuite(ctx context.Context) (string, error) {
	definition, settings, err := short(b)
	if err != nil {
		return "", err
	}
	cases := make([]map[string]any, b.backlog)
	for i := range cases {
		cases[i] = map[string]any{"case": definition}
	}
	var accepted struct {
		ID string `json:"suiteRunId"`
	}
	err = b.system.call(ctx, http.MethodPost, "/api/suite-runs", map[string]any{
		"title": "Many", "cases": cases, "userId": "user-a", "attempts": 1, "config": settings,
	}, &accepted)
	return accepted.ID, err
}

// urgent submits urgent runs behind many normal ones, and counts who starts before them.
func (b *bench) urgent(ctx context.Context) error {
	ids, err := b.submitAll(ctx, b.backlog, "user-a", nil)
	if err != nil {
		return err
	}
	const tries = 10
	var urgent []testRun
	for range tries {
		id, err := b.submitAll(ctx, 1, "user-a", map[string]any{"priority": "urgent"})
		if err != nil {
			return err
		}
		runs, err := b.system.awaitRuns(ctx, id, "completed")
		if err != nil {
			return err
		}
		urgent = append(urgent, runs...)
	}
	if err := b.cancelAll(ctx, ids); err != nil {
		return err
	}
	normal, err := b.all(ctx, ids)
	if err != nil {
		return err
	}
	var figures, overtaken []float64
	for _, u := range urgent {
		before := 0
		for _, r := range normal {
			if r.StartedAt.After(u.CreatedAt) && r.StartedAt.Before(u.StartedAt) {
				before++
			}
		}
		figures, overtaken = append(figures, u.waited()), append(overtaken, float64(before))
	}
	b.found("urgent_wait_ms", "%.0f (p50), %.0f (longest) of %d, behind %d normal runs", percentile(figures, 0.5), percentile(figures, 1), tries, b.backlog)
	b.found("urgent_overtaken", "%.0f (p50), %.0f (most) normal runs started between an urgent one's acceptance and its start",
		percentile(overtaken, 0.5), percentile(overtaken, 1))
	return nil
}

// all shows any number of runs.
func (b *bench) all(ctx context.Context, ids []string) ([]testRun, error) {
	const page = 200
	var found []testRun
	for from := 0; from < len(ids); from += page {
		runs, err := b.system.runs(ctx, ids[from:min(from+page, len(ids))])
		if err != nil {
			return nil, err
		}
		found = append(found, runs...)
	}
	return found, nil
}
