package redisbridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/store"
)

const (
	// surveyEvery is how often the queue is looked at for changes of which the stream tells nothing.
	surveyEvery = time.Second
	// followFor is how long one look at the stream waits: nothing interrupts it.
	followFor = 250 * time.Millisecond
	// restAfter is how many times as long as a look at the whole queue took the next one is put off.
	restAfter = 20
	// lookAtOnce is how many jobs are read at once, actAtOnce how many are dealt with at the same time.
	// Most of the time an act waits for Temporal.
	lookAtOnce = 200
	actAtOnce  = 16
)

// workflows are told what clients do to jobs.
type workflows interface {
	Accept(ctx context.Context, def queue.Definition, job queue.Job) error
	Tell(ctx context.Context, r store.Reconciled) (input json.RawMessage, err error)
	StartAgain(ctx context.Context, start store.Start)
}

// inlet brings what clients do to one queue in Redis to the records and the workflows.
type inlet struct {
	mirror
	def       queue.Definition
	workflows workflows
	metrics   *metrics.Bridge
	client    *bullmq.Queue

	cursor string    // up to where the stream was followed
	mark   string    // what the queue looked like when it was looked at as a whole
	next   time.Time // when to look at it again at the earliest
	whole  bool      // something happened that only a look at the whole queue tells
	// scheduled says that there are job schedulers: what they owe, nobody tells.
	scheduled bool
	// again says that something went wrong with a job.
	again  atomic.Bool
	faults faults
}

// run follows the queue until ctx ends. Before it follows, and whenever it lost the thread, it looks at the whole queue.
func (in *inlet) run(ctx context.Context) {
	in.whole = true
	away := false
	for ctx.Err() == nil {
		err := in.step(ctx)
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != away {
			away = err != nil
			if away {
				in.log.WarnContext(ctx, "what clients do in Redis has to wait", "error", explain(err))
			} else {
				in.log.InfoContext(ctx, "what clients do in Redis takes effect again")
			}
		}
		if err != nil {
			in.whole = true
			sleep(ctx, retryAway)
		}
	}
}

func (in *inlet) step(ctx context.Context) error {
	if in.whole || time.Now().After(in.next) {
		if err := in.survey(ctx); err != nil {
			return err
		}
	}
	told, err := in.projector.Follow(ctx, in.def.Name, in.cursor, followFor)
	if err != nil {
		return err
	}
	if told.Last == "" {
		return nil
	}
	if len(told.Events) > 0 {
		in.whole = true // paused, resumed, cleaned: they name no job
	}
	for ids := range slices.Chunk(told.IDs, lookAtOnce) {
		if err := in.follow(ctx, ids); err != nil {
			return err
		}
	}
	in.cursor = told.Last
	return nil
}

// follow looks at jobs of which the stream told something.
func (in *inlet) follow(ctx context.Context, ids []string) error {
	views, err := in.projector.Look(ctx, in.def.Name, ids)
	if err != nil {
		return err
	}
	var odd []bullmq.View
	for _, v := range views {
		if !settled(v) {
			odd = append(odd, v)
		}
	}
	return in.compare(ctx, odd)
}

// settled says that a job is where this system put it last, so that nobody did anything to it. Of a delayed job that
// doesn't tell when it is due.
func settled(v bullmq.View) bool {
	if v.Seq() == 0 || v.Place == bullmq.Nowhere || v.Place == bullmq.InDelayed {
		return false
	}
	if put := v.Fields["cn:at"]; put != string(v.Place) && (v.Place != bullmq.InPaused || put != string(bullmq.InWait)) {
		return false
	}
	return v.Place != bullmq.InActive || bullmq.OwnToken(v.Token)
}

// compare brings the records of jobs up to what is seen of them.
func (in *inlet) compare(ctx context.Context, views []bullmq.View) error {
	if len(views) == 0 {
		return nil
	}
	ids := make([]string, len(views))
	for i, v := range views {
		ids[i] = v.ID
	}
	known, err := in.store.JobsAmong(ctx, in.def.Name, ids)
	if err != nil {
		return fmt.Errorf("reading jobs of queue %s: %w", in.def.Name, err)
	}
	// One that fails must not stop the others.
	var group errgroup.Group
	group.SetLimit(actAtOnce)
	for _, v := range views {
		job, ok := known[v.ID]
		group.Go(func() error {
			err := in.act(ctx, v, job, ok)
			if err == nil || ctx.Err() != nil || fault.Of(err) == fault.Unavailable {
				return err
			}
			// One job must not be in the way of the others. It is looked at again with the whole queue.
			in.log.ErrorContext(ctx, "what was done to a job in Redis can't be carried out", "job_id", v.ID, "error", explain(err))
			in.again.Store(true)
			return nil
		})
	}
	return group.Wait() //nolint:wrapcheck // it is wrapped already
}

// act brings the record of one job, if there is one, up to what is seen of the job.
func (in *inlet) act(ctx context.Context, v bullmq.View, job queue.Job, known bool) error {
	switch {
	case known && differs(v, job):
		if err := in.settle(ctx, v.ID); err != nil {
			return err
		}
		if v.Exists() && !sameTime(v, job) {
			return in.accept(ctx, v)
		}
	case !known && v.Exists():
		return in.accept(ctx, v)
	}
	return nil
}

// differs says whether it is worth a closer look whether a record is what is seen of the job.
func differs(v bullmq.View, job queue.Job) bool {
	state, ok := v.Place.State()
	switch {
	case !v.Exists():
		return true
	case !ok:
		return v.Place == bullmq.Nowhere
	case state == bullmq.Waiting && ripe(job.State, job.DueAt) && sameTime(v, job):
		return false
	case !sameTime(v, job), queue.State(state) != job.State, number(v, "priority") != job.Options.Priority:
		return true
	case state == bullmq.Delayed:
		return v.DueAt.UnixMilli() != job.DueAt.UnixMilli()
	case state == bullmq.Active:
		return !bullmq.OwnToken(v.Token) && (!job.Foreign || number(v, "ats") != job.AttemptsStarted)
	default:
		return number(v, "atm") != job.AttemptsMade
	}
}

// ripe says that a job is delayed and its time has come: it waits then, and nothing needs to be written for that.
func ripe(state queue.State, dueAt time.Time) bool {
	return state == queue.Delayed && !dueAt.After(time.Now())
}

// settle follows one job and says in the log what came of it.
func (in *inlet) settle(ctx context.Context, jobID string) error {
	r, changed, err := in.reconcile(ctx, in.def.Name, jobID, in.workflows.Tell)
	if err != nil {
		return err
	}
	if !changed { // its own changes may be on their way to Redis
		in.again.Store(true)
		return nil
	}
	after := string(r.After.State)
	switch {
	case r.Again():
		in.workflows.StartAgain(ctx, r.Start)
	case r.Gone:
		after = "removed"
	case r.Lost:
		in.log.WarnContext(ctx, "a job was in no collection of the queue any more and is shown again", "job_id", jobID, "state", after)
		return nil
	}
	in.metrics.Followed(in.def.Name)
	in.log.InfoContext(ctx, "a client or another consumer changed a job", "job_id", jobID, "test_run_id", r.Start.RunID,
		"before", r.Before.State, "after", after)
	return nil
}

// accept takes over a job that a client added. One that can never run fails with the reason, and only that one.
func (in *inlet) accept(ctx context.Context, v bullmq.View) error {
	state, ok := v.Place.State()
	lost := v.Place == bullmq.Nowhere && v.Seq() == 0 && v.Fields["name"] != "" && v.Fields["processedOn"] == ""
	if lost { // clients of two majors that pause and resume overwrite each other's lists
		state, ok = bullmq.Waiting, true
	}
	if !ok || state.Finished() || state == bullmq.Active && bullmq.OwnToken(v.Token) {
		return nil
	}
	job := in.jobOf(v, state)
	err := in.understand(ctx, v, job)
	switch code := fault.Of(err); {
	case err == nil && lost:
		return in.settle(ctx, v.ID)
	case err == nil && job.Scheduler != "":
		in.metrics.Taken(in.def.Name)
		in.faults.note(job.Scheduler, "")
		return in.keepSchedulerOf(ctx, job)
	case err == nil:
		in.metrics.Taken(in.def.Name)
		return nil
	case code != fault.Invalid && code != fault.Conflict && code != fault.NotFound:
		return fmt.Errorf("taking over job %s: %w", v.ID, err)
	case state == bullmq.Active:
		return nil // another consumer has it, and may understand it
	}
	if known, lookErr := in.store.JobsAmong(ctx, in.def.Name, []string{v.ID}); lookErr != nil || len(known) > 0 {
		return lookErr // another bridge was faster
	}
	reason := reasonOf(err)
	if job.Scheduler != "" && in.faults.note(job.Scheduler, reason) {
		in.log.WarnContext(ctx, "jobs of a scheduler can't be carried out and will fail", "scheduler", job.Scheduler, "reason", reason)
	}
	if job.Scheduler != "" && state == bullmq.Delayed {
		return nil // it fails when it is due, as any worker would see it: the scheduler may be put right before
	}
	return in.refuse(ctx, v, job, reason)
}

// understand hands a job over, unless it is one of a flow: nobody here would tell its parent of its end.
func (in *inlet) understand(ctx context.Context, v bullmq.View, job queue.Job) error {
	if v.Fields["parentKey"] != "" {
		return fault.New(fault.Invalid, "the job is a child of another one (%s), and flows are not supported", v.Fields["parentKey"])
	}
	return in.workflows.Accept(ctx, in.def, job)
}

// reasonOf is what people may read of an error.
func reasonOf(err error) string {
	if coded, ok := errors.AsType[*fault.Error](err); ok {
		return coded.Message
	}
	return err.Error()
}

// refuse fails a job that nobody here can carry out.
func (in *inlet) refuse(ctx context.Context, v bullmq.View, job queue.Job, reason string) error {
	job.FailedReason, job.Stacktrace = reason, []string{reason}
	job.State, job.FinishedAt = queue.Failed, time.Now().UTC()
	job.Seq = v.Seq() + 1
	change, err := project(queue.Change{Transition: queue.Exhausted, Job: job})
	if err != nil {
		return fmt.Errorf("refusing job %s: %w", v.ID, err)
	}
	applied, err := in.projector.Apply(ctx, in.def.Name, []bullmq.Change{change})
	if err != nil {
		return err
	}
	in.metrics.Refused(in.def.Name)
	level := slog.LevelWarn
	if job.Scheduler != "" {
		level = slog.LevelInfo // what is wrong with the scheduler was said
	}
	in.log.Log(ctx, level, "a job that a client added can't be carried out and has failed", "job_id", v.ID, "reason", reason, "error", applied[0].Err)
	return nil
}

// jobOf reads the record of a job that others made.
func (in *inlet) jobOf(v bullmq.View, state bullmq.State) queue.Job {
	opts := jsonOr(v.Fields["opts"], `{}`)
	job := queue.Job{
		Queue: in.def.Name, ID: v.ID, Name: v.Fields["name"], Data: jsonOr(v.Fields["data"], `null`), Opts: opts,
		CreatedAt: milliseconds(v, "timestamp"), Scheduler: v.Fields["rjk"], Seq: 1, Options: optionsOf(v.ID, opts),
	}
	if job.CreatedAt.IsZero() {
		job.CreatedAt = time.Now().UTC().Truncate(time.Millisecond)
	}
	job.Adopt(seenOf(v, state))
	job.Seq = 1
	return job
}

// optionsOf reads the options that matter here, leniently: what a client wrote is kept as it is.
func optionsOf(id string, text json.RawMessage) queue.Options {
	var o bullmq.JobOptions
	_ = json.Unmarshal(text, &o) // one option of another type leaves the others
	options := queue.Options{Attempts: max(o.Attempts, 1), Delay: max(o.Delay.Milliseconds(), 0), JobID: id}
	if o.Backoff != nil && o.Backoff.Delay > 0 {
		options.Backoff = &queue.Backoff{Type: o.Backoff.Type, Delay: o.Backoff.Delay.Milliseconds()}
	}
	return options
}

// survey compares the whole queue with its records, if it looks other than the last time. It begins with the records: a
// job whose changes have all been shown is in Redis, unless somebody deleted it there.
func (in *inlet) survey(ctx context.Context) error {
	began := time.Now()
	mark, err := in.projector.Mark(ctx, in.def.Name)
	if err != nil {
		return err
	}
	if again := in.again.Swap(false); !again && !in.whole && mark == in.mark && !in.scheduled {
		in.next = began.Add(surveyEvery)
		return nil
	}
	recorded := map[string]store.JobState{}
	err = in.store.JobStates(ctx, in.def.Name, func(page []store.JobState) error {
		for _, j := range page {
			recorded[j.ID] = j
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("listing the jobs of queue %s: %w", in.def.Name, err)
	}
	position, err := in.store.Position(ctx, in.def.Name)
	if err != nil {
		return fmt.Errorf("reading the relay's position: %w", err)
	}
	snapshot, err := in.projector.Snapshot(ctx, in.def.Name)
	if err != nil {
		return err
	}
	if snapshot.Kept.Epoch == "" || snapshot.Kept.Position < position {
		return errLost // the relay rebuilds the queue
	}
	if err := in.compareAll(ctx, snapshot, recorded); err != nil {
		return err
	}
	if err := in.keepSchedulers(ctx, snapshot); err != nil {
		return err
	}
	if in.whole || bullmq.EventBefore(snapshot.LastEvent, in.cursor) { // the latter is a stream that began anew
		in.cursor = snapshot.LastEvent
	}
	in.mark, in.whole, in.scheduled = mark, false, len(snapshot.Schedulers) > 0
	in.next = time.Now().Add(max(surveyEvery, restAfter*time.Since(began)))
	return nil
}

var errLost = errors.New("Redis has lost data of the queue and is being rebuilt") //nolint:staticcheck // a name begins it

// compareAll looks closer at the jobs whose place is not what the records say.
func (in *inlet) compareAll(ctx context.Context, s bullmq.Snapshot, recorded map[string]store.JobState) error {
	var odd []string
	for _, id := range s.Order {
		place := s.Places[id]
		state, ok := place.State()
		job, known := recorded[id]
		switch {
		case !ok || !storable(id):
		case !known && !state.Finished():
			odd = append(odd, id)
		case known && state == bullmq.Waiting && ripe(job.State, job.DueAt):
		case known && !job.Pending && (queue.State(state) != job.State || in.moved(s, id, job)):
			odd = append(odd, id)
		}
	}
	for id, job := range recorded {
		if _, shown := s.Places[id]; !shown && !job.Pending {
			odd = append(odd, id)
		}
		if job.Pending {
			in.again.Store(true)
		}
	}
	for ids := range slices.Chunk(odd, lookAtOnce) {
		views, err := in.projector.Look(ctx, in.def.Name, ids)
		if err != nil {
			return err
		}
		if err := in.compare(ctx, views); err != nil {
			return err
		}
	}
	return nil
}

// moved says whether a job has another due time or priority than its record.
func (in *inlet) moved(s bullmq.Snapshot, id string, job store.JobState) bool {
	if due, delayed := s.Due[id]; delayed {
		return due.UnixMilli() != job.DueAt.UnixMilli()
	}
	priority, prioritized := s.Priority[id]
	return prioritized && priority != job.Priority
}

// storable says whether Postgres can hold an id.
func storable(id string) bool { return utf8.ValidString(id) && !strings.Contains(id, "\x00") }
