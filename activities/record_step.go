package activities

import (
	"context"
	"time"

	"github.com/cinnamon-qa/cinnamon/store"
)

// lastRecordWithin bounds the record of a step once its attempt is over.
const lastRecordWithin = 15 * time.Second

// stepRecords writes how steps ended, in their order, while the next ones run. No more than one record is on its way, so that a
// worker that dies loses that of the newest step at most.
type stepRecords struct {
	written chan error // nil if none is on its way
	cancel  context.CancelFunc
}

// recordStep records how a step ended, once the record of the one before it is written. It does not wait for its own: what
// becomes of that, the next step learns, or flush.
func (a *attempt) recordStep(ctx context.Context, s store.Step, shot *store.Artifact) error {
	if err := a.flush(ctx); err != nil {
		return err
	}
	now := time.Now()
	// The attempt's end must not undo what the step did.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	written := make(chan error, 1)
	a.records = stepRecords{written: written, cancel: cancel}
	go func() {
		defer cancel()
		written <- a.persist(ctx, func(ctx context.Context) error { return a.Store.EndStep(ctx, a.in.Queue, s, shot, now) })
	}()
	return nil
}

// flush waits until all steps are recorded that have ended, for a while also once the attempt is over.
func (a *attempt) flush(ctx context.Context) error {
	written, cancel := a.records.written, a.records.cancel
	if written == nil {
		return nil
	}
	a.records = stepRecords{}
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
	}
	late := time.AfterFunc(lastRecordWithin, cancel)
	defer late.Stop()
	return <-written
}
