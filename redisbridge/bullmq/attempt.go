package bullmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Attempt is one run of a job, as its handler sees it. It may be used by many goroutines until the handler returns.
type Attempt struct {
	// Job is what the queue knows of the job as this attempt began. AttemptsMade counts the attempts that ended before.
	Job Job
	// Options are the job's.
	Options JobOptions

	worker *Worker
	token  string
	cancel context.CancelCauseFunc
}

// Decode reads the job's data into a value, as [json.Unmarshal] does.
func (a *Attempt) Decode(value any) error {
	if err := json.Unmarshal(a.Job.Data, value); err != nil {
		return fmt.Errorf("reading the data of job %s: %w", a.Job.ID, err)
	}
	return nil
}

// Progress shows how far the job is, as JSON, and tells the queue's listeners. The error is a [*JobError] with
// [ErrLockLost] if the job is no longer this worker's.
func (a *Attempt) Progress(ctx context.Context, value any) error {
	text, err := encodeValue(value)
	if err != nil {
		return &JobError{JobID: a.Job.ID, Doing: "showing the progress of", Err: err}
	}
	k := a.worker.keys
	keys := []string{k.Job(a.Job.ID), k.Lock(a.Job.ID), k.Events(), k.Meta()}
	reply, err := a.worker.call(ctx, a.worker.scripts.report, keys, []any{a.Job.ID, a.token, text})
	if err == nil {
		err = lossOf(asText(reply))
	}
	if err != nil {
		return &JobError{JobID: a.Job.ID, Doing: "showing the progress of", Err: err}
	}
	return nil
}

// Log adds a line to the job's log, and returns how many there are. The job's options say how many of them stay.
func (a *Attempt) Log(ctx context.Context, line string) (lines int, err error) {
	keep := -1
	if a.Options.KeepLogs != nil && *a.Options.KeepLogs > 0 {
		keep = *a.Options.KeepLogs
	}
	k := a.worker.keys
	keys := []string{k.Job(a.Job.ID), k.Job(a.Job.ID) + ":logs"}
	reply, err := a.worker.call(ctx, a.worker.scripts.log, keys, []any{line, strconv.Itoa(keep)})
	count, _ := reply.(int64)
	if err == nil && count < 0 {
		err = ErrLockLost
	}
	if err != nil {
		return 0, &JobError{JobID: a.Job.ID, Doing: "logging for", Err: err}
	}
	return int(count), nil
}

// hold makes the attempt of a job that was taken.
func (w *Worker) hold(found claimed) *Attempt {
	job := DecodeJob(found.id, found.hash)
	job.State = Active
	if len(job.Data) == 0 {
		job.Data = json.RawMessage("{}")
	}
	options, _ := job.Options() // what can't be read of them is in job.Err
	a := &Attempt{Job: job, Options: options, worker: w, token: found.token}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.held[job.ID] = a
	return a
}

func (w *Worker) letGo(a *Attempt) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.held[a.Job.ID] == a {
		delete(w.held, a.Job.ID)
	}
}

// do runs the handler on a job, writes what became of it, and returns the next job.
func (w *Worker) do(ctx, beyond context.Context, found claimed) claimed {
	a := w.hold(found)
	defer w.letGo(a)
	run, cancel := context.WithCancelCause(beyond)
	defer cancel(nil)
	w.mutex.Lock()
	a.cancel = cancel
	w.mutex.Unlock()

	end := w.judge(run, a, found.hash)
	next, err := w.settle(ctx, beyond, a, end)
	if err != nil {
		w.report(err)
	}
	return next
}

// judge runs the handler, unless the job is lost already, and says what is to become of the job.
func (w *Worker) judge(ctx context.Context, a *Attempt, hash map[string]string) ending {
	if reason := unreadable(hash); reason != "" {
		w.report(&JobError{JobID: a.Job.ID, Doing: "reading", Err: fmt.Errorf("%w: %s", ErrUnreadable, reason)})
		return w.afterFailure(a, Unrecoverable(fmt.Errorf("%w: %s", ErrUnreadable, reason)))
	}
	if a.Job.Err != nil {
		w.report(&JobError{JobID: a.Job.ID, Doing: "reading", Err: a.Job.Err})
	}
	if a.Job.DeferredFailure != "" {
		return w.afterFailure(a, Unrecoverable(errors.New(a.Job.DeferredFailure)))
	}
	w.armScheduler(ctx, a)
	result, err := w.handle(ctx, a)
	if err == nil {
		text, err := encodeValue(result)
		if err == nil {
			return ending{where: whereCompleted, value: text}
		}
		return w.afterFailure(a, fmt.Errorf("writing the result as JSON: %w", err))
	}
	if later, ok := errors.AsType[retryAtError](err); ok {
		return ending{where: whereDelayed, due: later.at}
	}
	if limit, ok := errors.AsType[rateLimitError](err); ok {
		return ending{where: whereReturn, rest: limit.pause}
	}
	switch {
	case errors.Is(err, errGiveBack), errors.Is(context.Cause(ctx), errStopping):
		return ending{where: whereReturn}
	}
	return w.afterFailure(a, err)
}

// unreadable says what no worker could do anything with.
func unreadable(hash map[string]string) string {
	if _, named := hash["name"]; !named {
		return "it has no name"
	}
	if text := hash["data"]; text != "" && !json.Valid([]byte(text)) {
		return "its data is not JSON"
	}
	text := strings.TrimLeft(hash["opts"], " \t\r\n")
	if text != "" && (!strings.HasPrefix(text, "{") || !json.Valid([]byte(text))) {
		return "its options are not a JSON object"
	}
	return ""
}

func (w *Worker) handle(ctx context.Context, a *Attempt) (result any, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = newPanicError(value)
		}
	}()
	return w.handler(ctx, a)
}

// encodeValue writes a result or progress as JavaScript does, without HTML's escapes; BullMQ's clients stop listening at
// what is not JSON.
func encodeValue(value any) (string, error) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return strings.TrimSuffix(out.String(), "\n"), err
}
