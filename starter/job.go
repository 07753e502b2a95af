package starter

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/cleanup"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/workflows"
)

// jobStore keeps jobs that carry out no test run.
type jobStore interface {
	CreateJob(ctx context.Context, n store.NewJob) (created bool, err error)
	Job(ctx context.Context, queueName, id string) (job queue.Job, workflowRunID string, err error)
	JobStarted(ctx context.Context, queueName, id, workflowRunID string) error
	JobsNotStarted(ctx context.Context, before time.Time, limit int) ([]store.Start, error)
	EndJob(ctx context.Context, queueName, id, reason string, now time.Time) (ended bool, err error)
}

// understand reads the data of a job of a queue whose jobs carry out no test run, and says in words for the job's title what
// is to be done. An error of code Invalid says why nothing ever can be. A further queue is one more entry.
func understand(queueName string, data json.RawMessage) (title string, err error) {
	switch queueName {
	case queue.Cleanup:
		r, err := cleanup.ParseRequest(data)
		if r.DryRun {
			return "Find out what a clean-up would remove", err
		}
		return "Clean up", err
	case queue.AdaptationLearning:
		r, err := activities.ParseLearning(data)
		return r.Title(), err
	default:
		return "", fault.New(fault.Invalid, "nothing here carries out jobs of queue %s yet", queueName)
	}
}

// Job asks for a job that carries out no test run.
type Job struct {
	Queue string
	// ID names it; a new id is made if it is empty.
	ID   string
	Data json.RawMessage
}

// SubmitJob accepts a job. created is false if there is one of that id.
func (s *Starter) SubmitJob(ctx context.Context, j Job) (job queue.Job, created bool, err error) {
	if j.ID == "" {
		j.ID = uuid.NewString()
	}
	n, start, err := s.prepareJob(j)
	if err != nil {
		return job, false, err
	}
	if created, err = s.Store.CreateJob(ctx, n); err != nil {
		return job, false, err
	}
	if created {
		obs.Named(s.Log, obs.QueueLog(j.Queue)).DebugContext(ctx, obs.JobAdded, "job_id", j.ID, "queue", j.Queue)
		s.startJobSoon(ctx, start)
	}
	job, _, err = s.Store.Job(ctx, j.Queue, j.ID)
	return job, created, err
}

// startJobSoon starts a workflow, unless Temporal is away: the sweep will then.
func (s *Starter) startJobSoon(ctx context.Context, start store.Start) (started bool) {
	soon, cancel := context.WithTimeout(ctx, temporalWithin)
	defer cancel()
	err := s.start(soon, start)
	if err != nil {
		s.Log.WarnContext(ctx, "the workflow of a job could not be started yet; it will be", "job_id", start.RunID, "queue", start.Queue, "error", err)
	}
	return err == nil
}

// AddJob adds a job whose workflow is the caller's to start, unless there is one of that id: package activities' port.
func (s *Starter) AddJob(ctx context.Context, queueName, id string, data json.RawMessage) (activities.AddedJob, error) {
	n, start, err := s.prepareJob(Job{Queue: queueName, ID: id, Data: data})
	if err != nil {
		return activities.AddedJob{}, err
	}
	if _, err := s.Store.CreateJob(ctx, n); err != nil {
		return activities.AddedJob{}, err
	}
	def, _ := queue.Find(queueName)
	return activities.AddedJob{WorkflowID: def.WorkflowID(id), Workflow: def.Workflow, Title: start.Title, Input: start.WorkflowInput}, nil
}

// acceptJob takes a job over that a client added to a queue whose jobs carry out no test run.
func (s *Starter) acceptJob(ctx context.Context, def queue.Definition, job queue.Job) error {
	switch {
	case job.Name != def.JobName:
		return fault.New(fault.Invalid, "jobs of queue %s are named %q, not %q", def.Name, def.JobName, job.Name)
	case len(job.Data) > mostJobData:
		return fault.New(fault.Invalid, "the job's data is larger than %d KiB", mostJobData>>10)
	}
	title, err := understand(def.Name, job.Data)
	if err != nil {
		return err
	}
	start, err := s.startOfJob(def, job, title)
	if err != nil {
		return err
	}
	created, err := s.Store.CreateJob(ctx, store.NewJob{
		WorkflowInput: start.WorkflowInput, Added: queue.Change{Transition: queue.Added, Job: job}, Shown: true,
	})
	if err != nil || !created {
		return err
	}
	obs.Named(s.Log, obs.QueueLog(def.Name)).InfoContext(ctx, "job taken over from a client", "queue", def.Name, "job_id", job.ID)
	s.startJobSoon(ctx, start)
	return nil
}

// prepareJob makes the record of a job, and what starts its workflow.
func (s *Starter) prepareJob(j Job) (store.NewJob, store.Start, error) {
	none, nothing := store.NewJob{}, store.Start{}
	def, ok := queue.Find(j.Queue)
	if !ok || def.TestRuns {
		return none, nothing, fault.New(fault.Internal, "there is no queue %q of jobs without test runs", j.Queue)
	}
	title, err := understand(def.Name, j.Data)
	if err != nil {
		return none, nothing, err
	}
	if len(bytes.TrimSpace(j.Data)) == 0 {
		j.Data = json.RawMessage(`{}`)
	}
	job, added := queue.New(def, j.ID, j.Data, queue.Options{
		Attempts: s.MaxAttempts, JobID: j.ID, Backoff: &queue.Backoff{Type: "exponential", Delay: s.BackoffDelay.Milliseconds()},
		RemoveOnComplete: s.RemoveOnComplete, RemoveOnFail: s.RemoveOnFail,
	}, time.Now().UTC().Truncate(time.Millisecond))
	start, err := s.startOfJob(def, job, title)
	return store.NewJob{WorkflowInput: start.WorkflowInput, Added: added}, start, err
}

// startOfJob freezes what the workflow of a new job needs to know.
func (s *Starter) startOfJob(def queue.Definition, job queue.Job, title string) (store.Start, error) {
	stall := s.HeartbeatTimeout
	if def.Stall > 0 {
		stall = def.Stall
	}
	input, err := json.Marshal(workflows.JobInput{
		Queue: def.Name, JobID: job.ID, Title: title, Rerun: workflows.Rerun{Made: job.AttemptsMade},
		Policy: workflows.Policy{DueAt: job.DueAt, AttemptTimeout: def.Timeout.Milliseconds(), HeartbeatTimeout: stall.Milliseconds()},
	})
	if err != nil {
		return store.Start{}, fmt.Errorf("encoding the workflow's input: %w", err)
	}
	return store.Start{RunID: job.ID, Queue: def.Name, Title: title, Priority: job.Options.Priority, WorkflowInput: input}, nil
}

// CancelJob ends a job without a test run, within seconds. One that has ended stays as it is.
func (s *Starter) CancelJob(ctx context.Context, queueName, id string) error {
	job, _, err := s.Store.Job(ctx, queueName, id)
	if err != nil {
		return err
	}
	if job.State.Finished() {
		return fault.New(fault.Conflict, "job %q has ended already: it is %s", id, job.State)
	}
	def, _ := queue.Find(queueName)
	soon, stop := context.WithTimeout(ctx, temporalWithin)
	defer stop()
	running, err := s.running(soon, def.WorkflowID(id))
	if err == nil && running {
		err = s.Temporal.CancelWorkflow(soon, def.WorkflowID(id), "")
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "cancelling workflow %s", def.WorkflowID(id))
	}
	if !running {
		_, err = s.Store.EndJob(ctx, queueName, id, cancelled, time.Now())
	}
	return err
}
