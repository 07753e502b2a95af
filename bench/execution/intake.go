package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// intakeRuns is how many runs are submitted one by one.
const intakeRuns = 300

// intake measures how fast runs are accepted: with one request each, one client or several at a time, and with one request
// for all. The runs that come one by one are not due, so that none of them begins meanwhile.
func (b *bench) intake(ctx context.Context) error {
	later := map[string]any{"delay": time.Hour.Milliseconds()}
	began := time.Now()
	var ids []string
	for range intakeRuns {
		more, err := b.submitAll(ctx, 1, "user-a", later)
		if err != nil {
			return err
		}
		ids = append(ids, more...)
	}
	one := intakeRuns / time.Since(began).Seconds()

	began = time.Now()
	more, err := b.submitAll(ctx, intakeRuns, "user-a", later)
	if err != nil {
		return err
	}
	several := intakeRuns / time.Since(began).Seconds()
	ids = append(ids, more...)

	began = time.Now()
	more, err = b.submitBatch(ctx, intakeRuns, later)
	if err != nil {
		return err
	}
	batch := intakeRuns / time.Since(began).Seconds()
	if err := b.cancelAll(ctx, append(ids, more...)); err != nil {
		return err
	}

	began = time.Now()
	id, err := b.submitSuite(ctx)
	if err != nil {
		return err
	}
	suite := float64(b.backlog) / time.Since(began).Seconds()
	if err := b.system.call(ctx, http.MethodPost, "/api/suite-runs/"+id+"/cancel", nil, nil); err != nil {
		return err
	}
	accepted, err := b.idsOfSuite(ctx, id)
	if err != nil {
		return err
	}
	if err := b.awaitIdle(ctx, accepted); err != nil {
		return err
	}
	b.found("intake", "%.0f runs/s one by one, %.0f from %d clients, %.0f in a batch of %d, %.0f in a suite of %d", one, several, submitters, batch, intakeRuns, suite, b.backlog)
	return nil
}

// submitBatch submits runs with one request.
func (b *bench) submitBatch(ctx context.Context, count int, fields map[string]any) ([]string, error) {
	definition, settings, err := short(b)
	if err != nil {
		return nil, err
	}
	one := map[string]any{"case": definition, "userId": "user-a", "config": settings}
	maps.Copy(one, fields)
	request := map[string]any{"runs": slices.Repeat([]map[string]any{one}, count)}
	var answer struct {
		Items []struct {
			Run struct {
				TestRunID string `json:"testRunId"`
			} `json:"run"`
		} `json:"items"`
	}
	if err := b.system.call(ctx, http.MethodPost, "/api/test-runs/batch", request, &answer); err != nil {
		return nil, err
	}
	ids := make([]string, len(answer.Items))
	for i, item := range answer.Items {
		if ids[i] = item.Run.TestRunID; ids[i] == "" {
			return nil, fmt.Errorf("run %d of the batch was refused", i)
		}
	}
	return ids, nil
}
