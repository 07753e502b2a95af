package bullmq

import "context"

// armScheduler lets the scheduler that added a job add the next one.
func (w *Worker) armScheduler(ctx context.Context, a *Attempt) {
}
