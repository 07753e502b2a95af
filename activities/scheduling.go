package activities

import (
	"context"
	"encoding/json"
)

// jobAdder adds jobs to queues.
type jobAdder interface {
	AddJob(ctx context.Context, queueName, id string, data json.RawMessage) (AddedJob, error)
}

// Scheduling holds the activities of the ScheduledJob workflow.
type Scheduling struct{ jobs jobAdder }

// NewScheduling makes the activities.
func NewScheduling(jobs jobAdder) *Scheduling { return &Scheduling{jobs} }

// AddJobInput tells AddJob which job to add.
type AddJobInput struct {
	Queue string          `json:"queue"`
	JobID string          `json:"jobId"`
	Data  json.RawMessage `json:"data,omitempty"`
}

// AddedJob is what starts the workflow of a job.
type AddedJob struct {
	WorkflowID string          `json:"workflowId"`
	Workflow   string          `json:"workflow"`
	Title      string          `json:"title"`
	Input      json.RawMessage `json:"input"`
}

// AddJob adds a job, unless there is one of that id. Its workflow is the caller's to start.
func (s *Scheduling) AddJob(ctx context.Context, in AddJobInput) (AddedJob, error) {
	return s.jobs.AddJob(ctx, in.Queue, in.JobID, in.Data)
}
