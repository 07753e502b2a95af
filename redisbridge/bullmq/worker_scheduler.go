package bullmq

import (
	"context"
	"time"
)

// armScheduler lets the scheduler that added a job add the next one: that is the duty of whoever starts a job. One that
// can't be armed stays as it is until a client sets it up again.
func (w *Worker) armScheduler(ctx context.Context, a *Attempt) {
	if a.Job.SchedulerID == "" {
		return
	}
	if _, err := w.armer.armNext(ctx, a.Job, time.Now()); err != nil {
		w.report(&JobError{JobID: a.Job.ID, Doing: "arming the scheduler of", Err: err})
	}
}
