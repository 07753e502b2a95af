package activities

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// verdict is why an attempt did not pass.
type verdict struct {
	class  store.Class
	reason string
	stack  string
	final  bool
	status store.RunStatus
	// trouble is set where not the test but the platform failed: nothing is recorded of the attempt, and it is repeated.
	trouble error
}

// judge says what an error means for the attempt.
func (a *attempt) judge(ctx context.Context, where string, err error) *verdict {
	v := &verdict{status: store.RunFailed, class: classOf(browser.KindOf(err)), reason: a.secrets.Redact(where + words(err))}
	switch kind := browser.KindOf(err); {
	case cancelRequested(ctx):
		v.status, v.class, v.final, v.reason = store.RunCancelled, "", true, "Cancelled on request"
	case browser.IsCutShort(err), errors.Is(ctx.Err(), context.DeadlineExceeded):
		v.class = store.Timeout
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

// hopeless is why no attempt of the run can pass.
func hopeless(class store.Class, format string, args ...any) *verdict {
	return &verdict{status: store.RunFailed, final: true, class: class, reason: fmt.Sprintf(format, args...)}
}

// classOf says what class of failure it is that a browser reports.
func classOf(kind browser.Kind) store.Class {
	switch kind {
	case browser.Assertion:
		return store.Assertion
	case browser.NotFound:
		return store.NotFound
	case browser.Timeout:
		return store.Timeout
	case browser.Navigation:
		return store.Navigation
	case browser.Refused:
		return store.Refused
	case browser.Exhausted:
		return store.Exhausted
	case browser.Script:
		return store.Script
	case browser.Unsupported, browser.Unavailable: // it can't show a window, say
		return store.Unsupported
	case browser.Closed:
		return store.Crashed
	default:
		return store.Platform
	}
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

// cancelRequested says that somebody cancelled the workflow, as opposed to a worker that stops or was given up for dead.
func cancelRequested(ctx context.Context) bool {
	return temporal.IsCanceledError(context.Cause(ctx))
}

// interrupted says that the attempt can't end properly here.
func interrupted(ctx context.Context) bool {
	return ctx.Err() != nil && !cancelRequested(ctx)
}
