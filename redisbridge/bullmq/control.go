package bullmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// jobsAtOnce bounds how many jobs one script moves, and cleanedAtOnce how many one deletes.
	jobsAtOnce    = 1000
	cleanedAtOnce = 10000
	// neverEnds is the count that a client writes to stop those that heed the rate limit.
	neverEnds = "9007199254740991"
)

// Pause stops workers from starting jobs. Those that run go on, and jobs may be added.
//
// Clients of majors 5 and 6 keep the jobs of a paused queue in different places, and lose some if they mix: a resume of
// major 5 drops what is where major 6 keeps them. A Queue puts jobs where the others are, or where the client that came
// last keeps them, and gathers them in one place whenever it finds them in both.
func (q *Queue) Pause(ctx context.Context) error {
	k := q.keys
	_, err := q.scripts.pause.count(ctx, q.rdb, []string{k.Wait(), k.Paused(), k.Events(), k.Meta(), k.Marker()})
	if err != nil {
		return q.failed("pausing", err)
	}
	return nil
}

// Resume lets workers start jobs again.
func (q *Queue) Resume(ctx context.Context) error {
	k := q.keys
	_, err := q.scripts.resume.count(ctx, q.rdb,
		[]string{k.Wait(), k.Paused(), k.Prioritized(), k.Delayed(), k.Events(), k.Meta(), k.Marker()})
	if err != nil {
		return q.failed("resuming", err)
	}
	return nil
}

// Remove deletes a job in any state: [ErrUnknownJob] if there is none, [ErrLocked] if a worker has it, [ErrArmed] if it
// is a scheduler's next one, [ErrFlow] if it still waits for children. A child's parent stops waiting for it.
func (q *Queue) Remove(ctx context.Context, id string) error {
	k := q.keys
	_, err := q.scripts.remove.count(ctx, q.rdb, []string{
		k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Delayed(), k.Completed(), k.Failed(), k.WaitingChildren(),
		k.Events(), k.Meta(), k.Marker(), k.Stalled(), k.Repeat(),
	}, k.Base(), id, nowMillis())
	if err != nil {
		return q.failedJob("removing", id, err)
	}
	return nil
}

// RetryOptions say what a job that runs again forgets.
type RetryOptions struct {
	ResetAttemptsMade    bool // it has all its attempts again; else its next failure is the last one
	ResetAttemptsStarted bool
}

// Retry lets a job run again that ended in a state, Completed or Failed. [ErrNotInState] if it is in another one,
// [ErrFlow] if it is a child of a flow.
func (q *Queue) Retry(ctx context.Context, id string, from State, options RetryOptions) error {
	set, err := q.endedSet(from)
	if err != nil {
		return q.failedJob("retrying", id, err)
	}
	opts, err := q.optionsOf(ctx, id)
	if err != nil {
		return q.failedJob("retrying", id, err)
	}
	k := q.keys
	_, err = q.scripts.retry.count(ctx, q.rdb, []string{
		k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Events(), k.Meta(), k.PriorityCounter(), k.Marker(), set,
	}, k.Base(), id, string(from), flag(opts.LIFO), flag(options.ResetAttemptsMade), flag(options.ResetAttemptsStarted))
	if err != nil {
		return q.failedJob("retrying", id, err)
	}
	return nil
}

// optionsOf reads a job's options, which never change. What is wrong with them concerns others.
func (q *Queue) optionsOf(ctx context.Context, id string) (JobOptions, error) {
	text, err := q.rdb.HGet(ctx, q.keys.Job(id), "opts").Result()
	if err != nil && !isNil(err) {
		return JobOptions{}, err
	}
	options, _ := Job{ID: id, Opts: json.RawMessage(text)}.Options()
	return options, nil
}

func (q *Queue) endedSet(state State) (string, error) {
	switch state {
	case Completed:
		return q.keys.Completed(), nil
	case Failed:
		return q.keys.Failed(), nil
	case Waiting, Delayed, Active, Prioritized, WaitingChildren, Unknown:
	}
	return "", fmt.Errorf("%w: no job ends %s", ErrInvalid, state)
}

// RetryAll lets all jobs run again that ended in a state, Completed or Failed, until a time (the zero time: now). It
// moves a thousand at a time, and returns how many, also with an error. As with BullMQ's own clients their priority
// doesn't count any more. Children of flows are left where they are.
func (q *Queue) RetryAll(ctx context.Context, from State, until time.Time) (moved int, err error) {
	set, err := q.endedSet(from)
	if err != nil {
		return 0, q.failed("retrying the jobs of", err)
	}
	if until.IsZero() {
		until = time.Now()
	}
	k, skip := q.keys, int64(0)
	for {
		counts, err := q.scripts.retryAll.exec(ctx, q.rdb,
			[]string{k.Wait(), k.Paused(), k.Active(), k.Events(), k.Meta(), k.Marker(), set},
			k.Base(), string(from), jobsAtOnce, skip, millis(until)).Int64Slice()
		if err != nil {
			return moved, q.failed("retrying the jobs of", err)
		}
		moved, skip = moved+int(counts[0]), skip+counts[1]
		if counts[0]+counts[1] < jobsAtOnce {
			return moved, nil
		}
	}
}

// Promote lets a delayed job run at once. [ErrNotInState] if it is not delayed.
func (q *Queue) Promote(ctx context.Context, id string) error {
	k := q.keys
	_, err := q.scripts.promote.count(ctx, q.rdb, []string{
		k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Delayed(), k.Events(), k.Meta(), k.PriorityCounter(), k.Marker(),
	}, k.Base(), id)
	if err != nil {
		return q.failedJob("promoting", id, err)
	}
	return nil
}

// PromoteAll lets all delayed jobs run at once, a thousand at a time, and returns how many, also with an error. As with
// BullMQ's own clients their priority doesn't count any more.
func (q *Queue) PromoteAll(ctx context.Context) (moved int, err error) {
	k := q.keys
	for {
		n, err := q.scripts.promoteAll.count(ctx, q.rdb,
			[]string{k.Wait(), k.Paused(), k.Active(), k.Delayed(), k.Events(), k.Meta(), k.Marker()}, k.Base(), jobsAtOnce)
		if err != nil {
			return moved, q.failed("promoting the jobs of", err)
		}
		moved += n
		if n < jobsAtOnce {
			return moved, nil
		}
	}
}

// ChangePriority changes a job's priority, and moves it if it waits: behind its equals, or before them with lifo.
func (q *Queue) ChangePriority(ctx context.Context, id string, priority int, lifo bool) error {
	if priority < -maxPriority || priority > maxPriority {
		return q.failedJob("changing the priority of", id, fmt.Errorf("%w: %d is out of range", ErrInvalid, priority))
	}
	k := q.keys
	_, err := q.scripts.changePriority.count(ctx, q.rdb, []string{
		k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Meta(), k.PriorityCounter(), k.Marker(),
	}, k.Base(), id, strconv.Itoa(priority), flag(lifo))
	if err != nil {
		return q.failedJob("changing the priority of", id, err)
	}
	return nil
}

// ChangeDelay makes a delayed job due so long from now. [ErrNotInState] if it is not delayed.
func (q *Queue) ChangeDelay(ctx context.Context, id string, delay time.Duration) error {
	due := time.Now().Add(delay)
	if delay < 0 || !representable(due) {
		return q.failedJob("delaying", id, fmt.Errorf("%w: %s is out of range", ErrInvalid, delay))
	}
	k := q.keys
	_, err := q.scripts.changeDelay.count(ctx, q.rdb, []string{k.Delayed(), k.Events(), k.Meta(), k.Marker()},
		k.Base(), id, decimal(delay.Milliseconds()), millis(due))
	if err != nil {
		return q.failedJob("delaying", id, err)
	}
	return nil
}

// UpdateData replaces a job's data. An attempt that runs keeps what it started with.
func (q *Queue) UpdateData(ctx context.Context, id string, data any) error {
	text, err := encodeData(data)
	if err == nil {
		err = q.edit(ctx, id, "data", text)
	}
	if err != nil {
		return q.failedJob("updating the data of", id, err)
	}
	return nil
}

// UpdateProgress shows how far a job has come: any value that encoding/json can write.
func (q *Queue) UpdateProgress(ctx context.Context, id string, progress any) error {
	text, err := encodePlain(progress)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrInvalid, err)
	} else {
		err = q.edit(ctx, id, "progress", text)
	}
	if err != nil {
		return q.failedJob("updating the progress of", id, err)
	}
	return nil
}

func (q *Queue) edit(ctx context.Context, id, field, text string) error {
	_, err := q.scripts.edit.count(ctx, q.rdb, []string{q.keys.Job(id), q.keys.Events(), q.keys.Meta()}, id, field, text)
	return err
}

// Log adds a line to a job's log and returns how many it has then. keep is how many of the newest lines stay; 0: all.
func (q *Queue) Log(ctx context.Context, id, line string, keep int) (lines int, err error) {
	if keep <= 0 {
		keep = -1
	}
	lines, err = q.scripts.log.count(ctx, q.rdb, []string{q.keys.Job(id), q.keys.Logs(id)}, line, keep)
	if err != nil {
		return 0, q.failedJob("logging to", id, err)
	}
	return lines, nil
}

// ClearLogs deletes a job's log but for so many of its newest lines.
func (q *Queue) ClearLogs(ctx context.Context, id string, keep int) error {
	var err error
	if keep > 0 {
		err = q.rdb.LTrim(ctx, q.keys.Logs(id), int64(-keep), -1).Err()
	} else {
		err = q.rdb.Del(ctx, q.keys.Logs(id)).Err()
	}
	if err != nil {
		return q.failedJob("clearing the log of", id, err)
	}
	return nil
}

// Drain deletes all jobs that wait, and those that are delayed if that is wanted, and returns how many. A scheduler's
// next job stays, and so do parents of flows. Nobody is told.
func (q *Queue) Drain(ctx context.Context, delayed bool) (deleted int, err error) {
	k := q.keys
	deleted, err = q.scripts.drain.count(ctx, q.rdb, []string{
		k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Delayed(), k.Events(), k.Meta(), k.Marker(), k.Repeat(),
	}, k.Base(), flag(delayed), nowMillis())
	if err != nil {
		return 0, q.failed("draining", err)
	}
	return deleted, nil
}

// Clean deletes jobs of one state that are older than grace, limit of them at most (0: no limit), and returns their ids,
// also with an error. Age counts from a job's end, else its start, else when it was added. Jobs that a worker has, a
// scheduler's next job and parents of flows stay.
func (q *Queue) Clean(ctx context.Context, state State, grace time.Duration, limit int) (ids []string, err error) {
	place, key, err := q.collection(state)
	if err != nil {
		return nil, q.failed("cleaning", err)
	}
	if limit <= 0 {
		limit = math.MaxInt
	}
	k, latest := q.keys, millis(time.Now().Add(-grace))
	for len(ids) < limit {
		most := min(limit-len(ids), cleanedAtOnce)
		gone, err := q.scripts.clean.exec(ctx, q.rdb, []string{
			k.Wait(), k.Paused(), key, k.Events(), k.Meta(), k.Marker(), k.Stalled(), k.Repeat(),
		}, k.Base(), place, latest, most, nowMillis()).StringSlice()
		if err != nil {
			return ids, q.failed("cleaning", err)
		}
		ids = append(ids, gone...)
		if len(gone) < most {
			break
		}
	}
	return ids, nil
}

// collection is where the jobs of a state are: BullMQ's name, and the key.
func (q *Queue) collection(state State) (name, key string, err error) {
	switch state {
	case Waiting:
		return "wait", q.keys.Wait(), nil
	case Active, Delayed, Prioritized, Completed, Failed, WaitingChildren:
		return string(state), q.keys.Base() + string(state), nil
	case Unknown:
	}
	return "", "", fmt.Errorf("%w: no jobs are %q", ErrInvalid, state)
}

// Obliterate deletes the queue and all its jobs, a thousand at a time; their ids are counted from 1 again. It pauses the
// queue first. [ErrActive] if jobs are active, unless it is forced; the queue is then left paused.
func (q *Queue) Obliterate(ctx context.Context, force bool) error {
	if err := q.Pause(ctx); err != nil {
		return err
	}
	k := q.keys
	for {
		more, err := q.scripts.obliterate.count(ctx, q.rdb, []string{
			k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Delayed(), k.Completed(), k.Failed(), k.WaitingChildren(),
			k.Events(), k.Meta(), k.ID(), k.PriorityCounter(), k.Marker(), k.Stalled(), k.Repeat(), k.Base() + "metrics",
			k.Base() + "stalled-check",
		}, k.Base(), jobsAtOnce, flag(force))
		if err != nil {
			return q.failed("obliterating", err)
		}
		if more == 0 {
			return nil
		}
	}
}

// SetGlobalConcurrency bounds how many jobs of the queue run at the same time on all workers: 0 stops them.
func (q *Queue) SetGlobalConcurrency(ctx context.Context, n int) error {
	if n < 0 {
		return q.failed("bounding the concurrency of", fmt.Errorf("%w: %d is less than none", ErrInvalid, n))
	}
	return q.set(ctx, "bounding the concurrency of", "concurrency", n)
}

// RemoveGlobalConcurrency lets any number of jobs run.
func (q *Queue) RemoveGlobalConcurrency(ctx context.Context) error {
	return q.unset(ctx, "unbounding the concurrency of", "concurrency")
}

// SetGlobalRateLimit lets all workers start at most so many jobs in each duration.
func (q *Queue) SetGlobalRateLimit(ctx context.Context, most int, duration time.Duration) error {
	if most < 1 || duration < time.Millisecond {
		return q.failed("limiting the rate of", fmt.Errorf("%w: %d in %s", ErrInvalid, most, duration))
	}
	return q.set(ctx, "limiting the rate of", "max", most, "duration", duration.Milliseconds())
}

// RemoveGlobalRateLimit takes that limit away.
func (q *Queue) RemoveGlobalRateLimit(ctx context.Context) error {
	return q.unset(ctx, "unlimiting the rate of", "max", "duration")
}

func (q *Queue) set(ctx context.Context, doing string, values ...any) error {
	if err := q.rdb.HSet(ctx, q.keys.Meta(), values...).Err(); err != nil {
		return q.failed(doing, err)
	}
	return nil
}

func (q *Queue) unset(ctx context.Context, doing string, fields ...string) error {
	if err := q.rdb.HDel(ctx, q.keys.Meta(), fields...).Err(); err != nil {
		return q.failed(doing, err)
	}
	return nil
}

// RateLimit keeps workers that have a rate limit from starting jobs for so long.
func (q *Queue) RateLimit(ctx context.Context, rest time.Duration) error {
	if err := q.rdb.Set(ctx, q.keys.Limiter(), neverEnds, rest).Err(); err != nil {
		return q.failed("limiting the rate of", err)
	}
	return nil
}

// RemoveRateLimitKey ends the present window of the rate limit, and with it what RateLimit did.
func (q *Queue) RemoveRateLimitKey(ctx context.Context) error {
	if err := q.rdb.Del(ctx, q.keys.Limiter()).Err(); err != nil {
		return q.failed("unlimiting the rate of", err)
	}
	return nil
}

// RemoveDeduplicationKey lets jobs of a deduplication id be added again, and says whether one kept them away.
func (q *Queue) RemoveDeduplicationKey(ctx context.Context, id string) (removed bool, err error) {
	n, err := q.rdb.Del(ctx, q.keys.Deduplication(id)).Result()
	if err != nil {
		return false, q.failed("freeing a deduplication id of", err)
	}
	return n == 1, nil
}

// TrimEvents cuts the queue's stream to about so many entries, the newest, and returns how many went.
func (q *Queue) TrimEvents(ctx context.Context, keep int) (trimmed int, err error) {
	n, err := q.rdb.XTrimMaxLenApprox(ctx, q.keys.Events(), int64(keep), 0).Result()
	if err != nil {
		return 0, q.failed("trimming the stream of", err)
	}
	return int(n), nil
}

func isNil(err error) bool { return errors.Is(err, redis.Nil) }
