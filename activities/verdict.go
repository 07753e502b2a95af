package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// verdict is why an attempt did not pass.
type verdict struct {
	reason string
	stack  string
	final  bool
	status store.RunStatus
	// trouble is set where not the test but the platform failed: nothing is recorded of the attempt, and it is repeated.
	trouble error
}

// judge says what an error means for the attempt.
func (a *attempt) judge(ctx context.Context, where string, err error) *verdict {
	v := &verdict{status: store.RunFailed, reason: a.secrets.Redact(where + words(err))}
	switch kind := browser.KindOf(err); {
	case cancelRequested(ctx):
		v.status, v.final, v.reason = store.RunCancelled, true, "Cancelled on request"
	case timedOut(ctx):
		v.reason = fmt.Sprintf("the test took longer than its timeout of %s; %s", a.timeout(), v.reason)
	case kind == browser.Unsupported, kind == browser.Refused, kind == browser.Unavailable && !a.claim.Run.Config.Headless:
		v.final = true // no worker like this one can do it
	case kind == browser.Unavailable, kind == browser.Closed && a.claim.Job.Stalls == 0:
		// A browser that died may have been unlucky once; twice, the page is to blame.
		v.trouble = fault.Wrap(fault.Unavailable, err, "%s", v.reason)
	case errors.Is(err, queue.ErrSuperseded), errors.Is(err, queue.ErrFinished):
		v.trouble = superseded(err)
	case kind == "":
		v.trouble = fmt.Errorf("%s%w", where, err)
	}
	v.stack = v.reason
	return v
}

func superseded(err error) error {
	return fault.Wrap(fault.Conflict, err, "this attempt was given up for dead; its outcome does not count")
}

// words is what people may read of an error: not what the database's client knows of addresses and accounts.
func words(err error) string {
	if coded, ok := errors.AsType[*fault.Error](err); ok {
		return coded.Message
	}
	return err.Error()
}

// timedOut says that the attempt's time is up. A browser session cuts a step short of it, to be able to say what the
// step waited for and to take a picture.
func timedOut(ctx context.Context) bool {
	const cutShort = 400 * time.Millisecond // sessions end a step 250 ms before, to say why
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < cutShort
}

// cancelRequested says that somebody cancelled the workflow, as opposed to a worker that stops or was given up for dead.
func cancelRequested(ctx context.Context) bool {
	return temporal.IsCanceledError(context.Cause(ctx))
}

// interrupted says that the attempt can't end properly here.
func interrupted(ctx context.Context) bool {
	return ctx.Err() != nil && !cancelRequested(ctx)
}
