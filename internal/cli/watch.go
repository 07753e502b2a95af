package cli

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// pollChunk is how many runs one request asks for.
const pollChunk = 50

// watch polls the started runs until all have ended and no more are being started (starting is closed). The end of ctx
// makes it cancel them, then it goes on until they have ended or r.leave ends. Trouble that it can't wait out is returned.
func (r *runner) watch(ctx context.Context, starting <-chan struct{}) error {
	delay := r.timing.poll
	var troubleSince time.Time
	cancelled, interrupted := map[string]bool{}, false
	for {
		allStarted := isDone(starting)
		open := r.board.open()
		if allStarted && len(open) == 0 {
			r.view.update(r.board.snapshot())
			return nil
		}
		if ctx.Err() != nil {
			if !interrupted {
				interrupted = true
				r.view.notice("interrupted: cancelling " + count(len(open), "run") + "; Ctrl-C again leaves at once")
			}
			r.cancelRuns(open, cancelled)
			delay = r.timing.poll
		}
		changed, err := r.poll(open)
		switch {
		case isDone(r.leave.Done()):
			r.board.lose(func(id string) string { return unseenEnd(cancelled[id]) })
			return nil
		case err != nil && !worthWaiting(err):
			r.board.lose(func(string) string { return notWatched })
			return err
		case err != nil:
			if troubleSince.IsZero() {
				troubleSince = time.Now()
			}
			if time.Since(troubleSince) > r.timing.outage {
				r.board.lose(func(string) string { return notWatched })
				return fmt.Errorf("%w: given up after %s", err, humane(time.Since(troubleSince)))
			}
			r.outage.trouble(err)
		default:
			troubleSince = time.Time{}
			if len(open) > 0 {
				r.outage.over()
			}
		}
		r.view.update(r.board.snapshot())

		if changed || !allStarted {
			delay = r.timing.poll
		} else {
			delay = min(delay*5/4, r.timing.pollMax)
		}
		r.pause(ctx, delay)
	}
}

// pause waits between polls; an interrupt ends it early.
func (r *runner) pause(ctx context.Context, delay time.Duration) {
	interrupt := ctx.Done()
	if ctx.Err() != nil {
		interrupt = nil // it is known already
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-interrupt:
	case <-r.leave.Done():
	}
}

// poll asks for the runs with these ids.
func (r *runner) poll(ids []string) (changed bool, err error) {
	for chunk := range slices.Chunk(ids, pollChunk) {
		runs, err := r.client.runs(r.leave, chunk)
		if err != nil {
			return changed, err
		}
		changed = r.board.apply(chunk, runs, time.Now()) || changed
	}
	return changed, nil
}

// cancelRuns asks the API to cancel these runs, each one until it has heard it. Those of a suite run are cancelled with it.
func (r *runner) cancelRuns(ids []string, cancelled map[string]bool) {
	asked := map[string][]string{}
	for _, id := range ids {
		if !cancelled[id] {
			path := r.board.ownerOf(id)
			asked[path] = append(asked[path], id)
		}
	}
	var group errgroup.Group
	group.SetLimit(maxStarting)
	var mu sync.Mutex
	for path, runs := range asked {
		group.Go(func() error {
			err := r.client.cancel(r.leave, path)
			if err != nil && kindOf(err) != kindInput { // else it has ended meanwhile, or is gone
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			for _, id := range runs {
				cancelled[id] = true
			}
			return nil
		})
	}
	_ = group.Wait() // its functions return no errors
}

func unseenEnd(cancelled bool) string {
	if cancelled {
		return "it was told to stop, its end was not waited for"
	}
	return "it could not be told to stop and may go on"
}

// worthWaiting says whether watching goes on after this error: whatever the API suffers from, the runs go on.
func worthWaiting(err error) bool {
	kind := kindOf(err)
	return kind == kindUnavailable || kind == kindServer
}

func isDone(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
