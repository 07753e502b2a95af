package activities

import (
	"context"
	"encoding/json"

	"github.com/cinnamon-qa/cinnamon/queue"
)

// cleaner cleans up for a job, and goes on with what it had begun under the job's id.
type cleaner interface {
	Work(ctx context.Context, id string, data json.RawMessage, show func(progress any)) (result any, err error)
}

// Cleanup holds the activities of the Cleanup workflow.
type Cleanup struct {
	jobs    *Jobs
	cleaner cleaner
}

// NewCleanup makes the activities.
func NewCleanup(jobs *Jobs, c cleaner) *Cleanup { return &Cleanup{jobs, c} }

// ExecuteCleanup carries out one attempt of a cleanup job.
func (c *Cleanup) ExecuteCleanup(ctx context.Context, in JobAttemptInput) (JobAttemptResult, error) {
	return c.jobs.Attempt(ctx, in, func(ctx context.Context, job queue.Job, show func(any)) (any, error) {
		return c.cleaner.Work(ctx, job.ID, job.Data, show)
	})
}
