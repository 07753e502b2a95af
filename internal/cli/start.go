package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sethvargo/go-retry"
	"golang.org/x/sync/errgroup"
)

// maxStarting bounds how many runs are being started at a time.
const maxStarting = 8

var errInterrupted = errors.New("interrupted before it was started")

// start starts the tests at these indexes. A test that the API refuses does not keep the others from running; trouble
// with the API itself does, and is returned.
func (r *runner) start(ctx context.Context, indexes []int) error {
	if len(indexes) >= leastBatch {
		return r.startBatches(ctx, indexes)
	}
	var group errgroup.Group
	group.SetLimit(maxStarting)
	var once sync.Once
	var fatal error
	broken := make(chan struct{})
	for _, i := range indexes {
		group.Go(func() error {
			select {
			case <-broken:
				r.board.change(i, func(t *test) { t.refused = notTried(fatal) })
				return nil
			default:
			}
			answer, err := r.startOne(ctx, r.board.tests[i].body, r.board.tests[i].key)
			r.board.change(i, func(t *test) {
				if err != nil {
					t.refused = err
					return
				}
				t.id, t.links = answer.TestRunID, answer.Links
			})
			if err != nil && ctx.Err() == nil && kindOf(err) != kindInput {
				once.Do(func() {
					fatal = err
					close(broken)
				})
			}
			return nil
		})
	}
	_ = group.Wait() // its functions return no errors
	return fatal
}

// startOne starts one test.
func (r *runner) startOne(ctx context.Context, body []byte, key string) (accepted, error) {
	var answer accepted
	err := r.patiently(ctx, func() error {
		var err error
		answer, err = r.client.start(r.leave, body, key) //nolint:contextcheck // a request under way is not ended: see patiently
		return err
	})
	return answer, err
}

// patiently asks for a start. It tries again, with the same idempotency key, as long as the API may come back. The end of
// ctx ends the tries, but not a request under way: its run would be left running unseen.
func (r *runner) patiently(ctx context.Context, ask func() error) error {
	began := time.Now()
	backoff := retry.WithCappedDuration(r.timing.retryMax, retry.NewExponential(r.timing.retry))
	patient := retry.BackoffFunc(func() (time.Duration, bool) {
		patience := r.timing.firstContact
		if r.client.reached.Load() {
			patience = r.timing.outage
		}
		wait, stop := backoff.Next()
		return wait, stop || time.Since(began)+wait > patience
	})
	err := retry.Do(ctx, patient, func(context.Context) error {
		err := ask()
		if kindOf(err) == kindUnavailable {
			if r.client.reached.Load() {
				r.outage.trouble(err)
			}
			return retry.RetryableError(err)
		}
		if err == nil {
			r.outage.over()
		}
		return err
	})
	if err != nil && ctx.Err() != nil && kindOf(err) != kindInput {
		if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
			return cause
		}
		return errInterrupted
	}
	return err
}
