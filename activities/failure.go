package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// Failure turns an error into what Temporal understands: an application error whose type is the fault's code, which the
// retry policies of package workflows name. It must be the outermost error, or the server does not see its type, so the
// worker's interceptor applies it last to whatever an activity returns.
func Failure(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(*temporal.ApplicationError); ok { //nolint:errorlint // only the outermost error counts here
		return err
	}
	if errors.Is(err, context.Canceled) || temporal.IsCanceledError(err) {
		return err
	}
	if held, ok := errors.AsType[*heldError](err); ok {
		return temporal.NewApplicationErrorWithOptions(held.Error(), "held", temporal.ApplicationErrorOptions{NextRetryDelay: holdAgain})
	}
	code := fault.Of(err)
	return temporal.NewApplicationErrorWithOptions(err.Error(), string(code), temporal.ApplicationErrorOptions{Cause: err})
}
