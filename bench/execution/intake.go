package main

import (
	"context"
	"net/http"
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
	b.found("intake", "%.0f runs/s one by one, %.0f from %d clients, %.0f in a suite of %d", one, several, submitters, suite, b.backlog)
	return nil
}
