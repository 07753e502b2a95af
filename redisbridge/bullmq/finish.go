package bullmq

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// where is where a job goes when its attempt ends.
type where string

const (
	whereCompleted where = "completed"
	whereFailed    where = "failed"
	whereRetry     where = "retry"
	whereDelayed   where = "delay"
	whereReturn    where = "return"
)

// ending is what is to become of a job.
type ending struct {
	where  where
	value  string        // the return value as JSON, or why it failed
	due    time.Time     // of a delayed job
	counts bool          // the attempt counts
	stacks string        // the job's stack traces as JSON; empty: as they were
	rest   time.Duration // for how long the queue's limiter is exhausted
}

// rateLimitReached is what BullMQ's clients set the limiter to so that it lets nothing through.
const rateLimitReached = "9007199254740991"

// afterFailure says what becomes of a job whose attempt failed.
func (w *Worker) afterFailure(a *Attempt, err error) ending {
	end := ending{where: whereFailed, value: reasonOf(err), counts: true, stacks: w.stacksWith(a, err)}
	if _, final := errors.AsType[unrecoverableError](err); final || a.Job.AttemptsMade+1 >= a.Options.Attempts {
		return end
	}
	delay, unknown := w.delayAfter(a, err)
	switch {
	case unknown != nil:
		end.value = fmt.Sprintf("%s (and %s)", end.value, unknown)
	case delay < 0:
	case delay < time.Millisecond:
		end.where = whereRetry
	default:
		end.where, end.due = whereDelayed, time.Now().Add(delay)
	}
	return end
}

// delayAfter is how long the next attempt has to wait. Negative: there is none.
func (w *Worker) delayAfter(a *Attempt, err error) (time.Duration, error) {
	if a.Options.Backoff == nil {
		return 0, nil
	}
	b, made := *a.Options.Backoff, a.Job.AttemptsMade+1
	switch b.Type {
	case FixedBackoff:
		return jittered(float64(b.Delay.Milliseconds()), b.Jitter), nil
	case ExponentialBackoff:
		return jittered(math.Round(math.Pow(2, float64(made-1))*float64(b.Delay.Milliseconds())), b.Jitter), nil
	}
	if w.options.Backoff == nil {
		return 0, fmt.Errorf("there is no backoff of type %q", b.Type)
	}
	return w.options.Backoff(Failure{Job: a.Job, Attempt: made, Backoff: b, Err: err}), nil
}

// jittered leaves a part of a delay, from none (0) to all of it (1), to chance.
func jittered(ms, part float64) time.Duration {
	if part > 0 && part <= 1 {
		ms = math.Floor(rand.Float64()*ms*part + ms*(1-part)) //nolint:gosec // chance keeps attempts apart, no more
	}
	const longest = float64(1 << 40)
	return time.Duration(min(max(ms, 0), longest)) * time.Millisecond
}

func reasonOf(err error) string {
	if text := err.Error(); text != "" {
		return text
	}
	return noReason
}

// stacksWith adds the trace of one more failure to the job's.
func (w *Worker) stacksWith(a *Attempt, err error) string {
	stacks := append(slices.Clone(a.Job.Stacktrace), stackOf(err))
	if limit := a.Options.StackTraceLimit; limit != nil && len(stacks) > max(*limit, 0) {
		stacks = stacks[len(stacks)-max(*limit, 0):]
	}
	return stacktrace(stacks)
}

// stackOf is the trace of a panic, or what the error's own long form says, after the name that BullMQ gives the error.
func stackOf(err error) string {
	name, text := "Error: ", err.Error()
	if final, ok := errors.AsType[unrecoverableError](err); ok {
		name, err = "UnrecoverableError: ", final.error
	}
	if crash, ok := errors.AsType[*panicError](err); ok {
		return name + text + "\n" + crash.stack
	}
	if long := fmt.Sprintf("%+v", err); strings.HasPrefix(long, text) {
		text = long
	}
	return name + text
}

// panicError is a handler's panic.
type panicError struct {
	value any
	stack string
}

func newPanicError(value any) *panicError {
	return &panicError{value: value, stack: string(debug.Stack())}
}

func (e *panicError) Error() string { return fmt.Sprintf("the handler panicked: %v", e.value) }

// settle writes what became of a job until Redis has taken it, and takes the next one unless the worker stops.
func (w *Worker) settle(ctx, beyond context.Context, a *Attempt, end ending) (claimed, error) {
	c := claim{token: w.nextToken()}
	now := time.Now()
	pause := backoffPause{}
	for {
		if ctx.Err() != nil && !c.again {
			c.token = ""
		}
		next, err := w.write(settling(beyond), a, end, now, c)
		switch {
		case err == nil, isJobError(err):
			return next, err
		case refusal(err):
			return claimed{}, &JobError{JobID: a.Job.ID, Doing: "ending", Err: err}
		}
		w.report(&JobError{JobID: a.Job.ID, Doing: "ending", Err: err})
		if beyond.Err() != nil {
			return claimed{}, &JobError{JobID: a.Job.ID, Doing: "ending", Err: errStopping}
		}
		c.again = true
		pause.sleep(beyond)
	}
}

func isJobError(err error) bool {
	_, ok := errors.AsType[*JobError](err)
	return ok
}

// settling outlives the time that jobs have to finish: what became of them is still written.
func settling(beyond context.Context) context.Context { return context.WithoutCancel(beyond) }

// write tells Redis once. What was written before by the same call is not written again.
func (w *Worker) write(ctx context.Context, a *Attempt, end ending, now time.Time, c claim) (claimed, error) {
	if end.rest > 0 {
		err := w.commands.Set(ctx, w.keys.public+"limiter", rateLimitReached, end.rest).Err()
		if err != nil {
			return claimed{}, err
		}
	}
	var reply any
	var err error
	if end.where == whereCompleted || end.where == whereFailed {
		reply, err = w.writeEnd(ctx, a, end, now, c)
	} else {
		reply, err = w.writeRelease(ctx, a, end, now, c)
	}
	if err != nil {
		return claimed{}, err
	}
	parts := asReply(reply)
	if len(parts) == 0 {
		return claimed{}, fmt.Errorf("reading what Redis says of the end of job %s: nothing", a.Job.ID)
	}
	next, err := w.readClaim(c, parts[1:])
	if lost := lossOf(asText(parts[0])); err == nil && lost != nil {
		err = &JobError{JobID: a.Job.ID, Doing: "ending", Err: lost}
	}
	return next, err
}

func (w *Worker) writeEnd(ctx context.Context, a *Attempt, end ending, now time.Time, c claim) (any, error) {
	k, id, name := w.keys, a.Job.ID, string(end.where)
	keep := a.Options.RemoveOnComplete
	fallback := w.options.RemoveOnComplete
	if end.where == whereFailed {
		keep, fallback = a.Options.RemoveOnFail, w.options.RemoveOnFail
	}
	if keep == nil {
		keep = fallback
	}
	newest, age, most := -1, int64(0), deletionsAtOnce
	if keep != nil {
		if keep.Count != nil && *keep.Count >= 0 {
			newest = *keep.Count
		}
		age = keep.Age.Milliseconds()
		if keep.Limit > 0 {
			most = keep.Limit
		}
	}
	parent, parentBase, policy := parentOf(a)
	metrics := k.public + "metrics:" + name
	set := k.Completed()
	if end.where == whereFailed {
		set = k.Failed()
	}
	keys := w.claimKeys(k.Stalled(), k.ID(), set, metrics, metrics+":data", k.Job(id), k.Lock(id), k.Job(id)+":dependencies")
	args := append(w.claimArgs(now, c), id, a.token, name, end.value,
		strconv.Itoa(newest), decimal(age), strconv.Itoa(most), strconv.Itoa(a.Options.Attempts),
		strconv.Itoa(w.options.MetricsMinutes), end.stacks, parent, parentBase, policy)
	return w.call(ctx, w.scripts.finish, keys, args)
}

func (w *Worker) writeRelease(ctx context.Context, a *Attempt, end ending, now time.Time, c claim) (any, error) {
	k, id := w.keys, a.Job.ID
	var due, delay int64
	if end.where == whereDelayed {
		due = end.due.UnixMilli()
		delay = max(due-now.UnixMilli(), 0)
	}
	args := append(w.claimArgs(now, c), id, a.token, string(end.where), decimal(due), decimal(delay),
		flag(end.counts), flag(a.Options.LIFO), end.value, end.stacks)
	return w.call(ctx, w.scripts.release, w.claimKeys(k.Stalled(), k.Job(id), k.Lock(id)), args)
}

// parentOf says which job waits for this one, and what a failure means to it.
func parentOf(a *Attempt) (id, base, policy string) {
	p := a.Job.Parent
	if p == nil || p.ID == "" || p.QueueKey == "" {
		return "", "", ""
	}
	switch {
	case p.Fail:
		policy = string(FailParent)
	case p.Continue:
		policy = string(ContinueParent)
	case p.Ignore:
		policy = string(IgnoreDependency)
	case p.Remove:
		policy = string(RemoveDependency)
	}
	return p.ID, p.QueueKey + ":", policy
}

// lossOf turns what a script says of the job into an error.
func lossOf(said string) error {
	switch said {
	case "done":
		return nil
	case "pending":
		return ErrPendingChildren
	case "missing":
		return fmt.Errorf("%w: it is gone", ErrLockLost)
	case "stolen":
		return fmt.Errorf("%w: somebody else runs it", ErrLockLost)
	case "unlocked":
		return fmt.Errorf("%w: its lock has expired", ErrLockLost)
	case "inactive":
		return fmt.Errorf("%w: it is not active", ErrLockLost)
	}
	return fmt.Errorf("reading what Redis says of a job: %q", said)
}
