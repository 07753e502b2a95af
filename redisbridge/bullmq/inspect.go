package bullmq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// allStates are the states that are counted and listed, in the order in which clients do.
var allStates = []State{ //nolint:gochecknoglobals // a constant list
	Active, Completed, Delayed, Failed, Prioritized, Waiting, WaitingChildren,
}

// Counts counts the jobs of some states, of all if none are given, as they are at one moment. Waiting are those without
// a priority, also what a client of major 5 put aside in a pause.
func (q *Queue) Counts(ctx context.Context, states ...State) (map[State]int, error) {
	if len(states) == 0 {
		states = allStates
	}
	counts := make(map[State]int, len(states))
	lengths := make(map[State][]*redis.IntCmd, len(states))
	_, err := q.rdb.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, state := range states {
			_, key, err := q.collection(state)
			if err != nil {
				return err
			}
			switch state {
			case Waiting:
				lengths[state] = []*redis.IntCmd{pipe.LLen(ctx, key), pipe.LLen(ctx, q.keys.Paused())}
			case Active:
				lengths[state] = []*redis.IntCmd{pipe.LLen(ctx, key)}
			case Delayed, Prioritized, Completed, Failed, WaitingChildren, Unknown:
				lengths[state] = []*redis.IntCmd{pipe.ZCard(ctx, key)}
			}
		}
		return nil
	})
	if err != nil {
		return nil, q.failed("counting the jobs of", err)
	}
	for state, cmds := range lengths {
		for _, cmd := range cmds {
			counts[state] += int(cmd.Val())
		}
	}
	return counts, nil
}

// Count counts the jobs that have yet to run: those that wait, are delayed, or wait for children.
func (q *Queue) Count(ctx context.Context) (int, error) {
	counts, err := q.Counts(ctx, Waiting, Delayed, Prioritized, WaitingChildren)
	if err != nil {
		return 0, err
	}
	return counts[Waiting] + counts[Delayed] + counts[Prioritized] + counts[WaitingChildren], nil
}

// CountsPerPriority counts the jobs that wait with each of some priorities; 0 are those without one.
func (q *Queue) CountsPerPriority(ctx context.Context, priorities ...int) (map[int]int, error) {
	cmds := make(map[int][]*redis.IntCmd, len(priorities))
	_, err := q.rdb.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, p := range priorities {
			if p == 0 {
				cmds[p] = []*redis.IntCmd{pipe.LLen(ctx, q.keys.Wait()), pipe.LLen(ctx, q.keys.Paused())}
				continue
			}
			lowest := int64(p) << 32
			cmds[p] = []*redis.IntCmd{pipe.ZCount(ctx, q.keys.Prioritized(), decimal(lowest), decimal(lowest+1<<32-1))}
		}
		return nil
	})
	if err != nil {
		return nil, q.failed("counting the jobs of", err)
	}
	counts := make(map[int]int, len(priorities))
	for p, lengths := range cmds {
		for _, cmd := range lengths {
			counts[p] += int(cmd.Val())
		}
	}
	return counts, nil
}

// Jobs returns the jobs of some states, of all if none are given: of each state those from start to end, which count
// from 0 and include the last; -1 is the last one there is. Descending, a state's newest come first: the last to run, to
// be due, to have ended; ascending the other way round. A job that is deleted meanwhile is left out. What of a job's hash
// can't be read is left out of the job, whose Err names it; it does the others no harm.
func (q *Queue) Jobs(ctx context.Context, states []State, start, end int, ascending bool) ([]Job, error) {
	if len(states) == 0 {
		states = allStates
	}
	var found []placed
	for _, state := range states {
		some, err := q.page(ctx, state, int64(start), int64(end), ascending)
		if err != nil {
			return nil, q.failed("listing the jobs of", err)
		}
		found = append(found, some...)
	}
	jobs := make([]Job, 0, len(found))
	for some := range slices.Chunk(found, jobsAtOnce) {
		hashes := make([]*redis.MapStringStringCmd, len(some))
		_, err := q.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for i, p := range some {
				hashes[i] = pipe.HGetAll(ctx, q.keys.Job(p.id))
			}
			return nil
		})
		if err != nil && !refusal(err) {
			return nil, q.failed("reading the jobs of", err)
		}
		for i, p := range some {
			if hash := hashes[i].Val(); len(hash) > 0 {
				job := DecodeJob(p.id, hash)
				job.State, job.DueAt = p.state, p.dueAt
				jobs = append(jobs, job)
			}
		}
	}
	return jobs, nil
}

// placed is an id and the collection that it is in.
type placed struct {
	id    string
	state State
	dueAt time.Time
}

// page reads a part of one collection.
func (q *Queue) page(ctx context.Context, state State, start, end int64, ascending bool) (found []placed, err error) {
	_, key, err := q.collection(state)
	if err != nil {
		return nil, err
	}
	switch state {
	case Waiting, Active:
		lists := []string{key}
		if state == Waiting {
			lists = append(lists, q.keys.Paused())
		}
		for _, list := range lists {
			from, to := start, end
			if ascending { // the next to run is at the right end
				from, to = -1-end, -1-start
			}
			ids, err := q.rdb.LRange(ctx, list, from, to).Result()
			if err != nil {
				return nil, err
			}
			if ascending {
				slices.Reverse(ids)
			}
			for _, id := range ids {
				found = append(found, placed{id: id, state: state})
			}
		}
		return found, nil
	case Delayed, Prioritized, Completed, Failed, WaitingChildren, Unknown:
	}
	members, err := q.rdb.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{Key: key, Start: start, Stop: end, Rev: !ascending}).Result()
	if err != nil {
		return nil, err
	}
	for _, member := range members {
		id, _ := member.Member.(string)
		p := placed{id: id, state: state}
		if state == Delayed {
			p.dueAt = dueAt(member.Score)
		}
		found = append(found, p)
	}
	return found, nil
}

// Job returns a job with its state: [ErrUnknownJob] if there is none.
func (q *Queue) Job(ctx context.Context, id string) (Job, error) {
	pipe := q.rdb.TxPipeline()
	hash := pipe.HGetAll(ctx, q.keys.Job(id))
	where := q.askState(ctx, pipe, id)
	if _, err := pipe.Exec(ctx); err != nil && !isNil(err) {
		return Job{}, q.failedJob("reading", id, err)
	}
	if len(hash.Val()) == 0 {
		return Job{}, q.failedJob("reading", id, ErrUnknownJob)
	}
	job := DecodeJob(id, hash.Val())
	job.State = where.state()
	if job.State == Delayed {
		job.DueAt = dueAt(where.zsets[Delayed].Val())
	}
	return job, nil
}

// State returns where a job stands: [Unknown] if it is nowhere.
func (q *Queue) State(ctx context.Context, id string) (State, error) {
	pipe := q.rdb.TxPipeline()
	where := q.askState(ctx, pipe, id)
	if _, err := pipe.Exec(ctx); err != nil && !isNil(err) {
		return Unknown, q.failedJob("finding", id, err)
	}
	return where.state(), nil
}

// asked are the questions that a job's state follows from.
type asked struct {
	zsets map[State]*redis.FloatCmd
	lists map[State][]*redis.IntCmd
}

func (q *Queue) askState(ctx context.Context, pipe redis.Pipeliner, id string) asked {
	a := asked{zsets: map[State]*redis.FloatCmd{}, lists: map[State][]*redis.IntCmd{}}
	for _, state := range []State{Completed, Failed, Delayed, Prioritized, WaitingChildren} {
		a.zsets[state] = pipe.ZScore(ctx, q.keys.Base()+string(state), id)
	}
	a.lists[Active] = []*redis.IntCmd{pipe.LPos(ctx, q.keys.Active(), id, redis.LPosArgs{})}
	a.lists[Waiting] = []*redis.IntCmd{
		pipe.LPos(ctx, q.keys.Wait(), id, redis.LPosArgs{}), pipe.LPos(ctx, q.keys.Paused(), id, redis.LPosArgs{}),
	}
	return a
}

// state answers in the order in which clients look.
func (a asked) state() State {
	for _, state := range []State{Completed, Failed, Delayed, Prioritized, Active, Waiting, WaitingChildren} {
		if cmd, ok := a.zsets[state]; ok && cmd.Err() == nil {
			return state
		}
		for _, cmd := range a.lists[state] {
			if cmd.Err() == nil {
				return state
			}
		}
	}
	return Unknown
}

// Logs returns lines of a job's log, oldest first if ascending, and how many there are. start and end count from 0 and
// include the last; -1 is the last one there is.
func (q *Queue) Logs(ctx context.Context, id string, start, end int, ascending bool) (lines []string, total int, err error) {
	from, to := int64(start), int64(end)
	if !ascending {
		from, to = -1-to, -1-from
	}
	pipe := q.rdb.TxPipeline()
	some := pipe.LRange(ctx, q.keys.Logs(id), from, to)
	all := pipe.LLen(ctx, q.keys.Logs(id))
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, 0, q.failedJob("reading the log of", id, err)
	}
	lines = some.Val()
	if !ascending {
		slices.Reverse(lines)
	}
	return lines, int(all.Val()), nil
}

// IsPaused says whether the queue is paused.
func (q *Queue) IsPaused(ctx context.Context) (bool, error) {
	paused, err := q.rdb.HExists(ctx, q.keys.Meta(), "paused").Result()
	if err != nil {
		return false, q.failed("asking whether jobs may start on", err)
	}
	return paused, nil
}

// Meta are the settings of a queue.
type Meta struct {
	Version     string // of the client that used the queue last
	MaxEvents   int    // about how many entries the stream keeps; 0: not said
	Paused      bool
	Concurrency *int        // the global one; nil: unbounded
	RateLimit   *GlobalRate // the global one; nil: none
	Other       map[string]string
}

// GlobalRate is how many jobs all workers together may start in a duration.
type GlobalRate struct {
	Most     int
	Duration time.Duration
}

// Meta returns the queue's settings.
func (q *Queue) Meta(ctx context.Context) (Meta, error) {
	hash, err := q.rdb.HGetAll(ctx, q.keys.Meta()).Result()
	if err != nil {
		return Meta{}, q.failed("reading the settings of", err)
	}
	var meta Meta
	for field, text := range hash {
		n := int(parseNumber(text))
		switch field {
		case "version":
			meta.Version = text
		case "opts.maxLenEvents":
			meta.MaxEvents = n
		case "paused":
			meta.Paused = true
		case "concurrency":
			meta.Concurrency = &n
		case "max":
			meta.RateLimit = &GlobalRate{Most: n, Duration: parseNumber(hash["duration"]).duration()}
		case "duration":
		default:
			if meta.Other == nil {
				meta.Other = map[string]string{}
			}
			meta.Other[field] = text
		}
	}
	return meta, nil
}

// Version returns the version of the client that used the queue last, or nothing.
func (q *Queue) Version(ctx context.Context) (string, error) {
	meta, err := q.Meta(ctx)
	return meta.Version, err
}

// GlobalConcurrency returns how many jobs may run at the same time on all workers; nil: any number.
func (q *Queue) GlobalConcurrency(ctx context.Context) (*int, error) {
	meta, err := q.Meta(ctx)
	return meta.Concurrency, err
}

// GlobalRateLimit returns how many jobs all workers may start in a duration; nil: any number.
func (q *Queue) GlobalRateLimit(ctx context.Context) (*GlobalRate, error) {
	meta, err := q.Meta(ctx)
	return meta.RateLimit, err
}

// RateLimitTTL returns how long workers that have a rate limit must wait now, given how many jobs they may start in a
// window; 0 asks for the end of the present window, full or not. Zero: not at all. If the queue has a global limit, that
// one counts.
func (q *Queue) RateLimitTTL(ctx context.Context, most int) (time.Duration, error) {
	pipe := q.rdb.TxPipeline()
	global := pipe.HGet(ctx, q.keys.Meta(), "max")
	started := pipe.Get(ctx, q.keys.Limiter())
	rest := pipe.PTTL(ctx, q.keys.Limiter())
	if _, err := pipe.Exec(ctx); err != nil && !isNil(err) {
		return 0, q.failed("asking for the rate limit of", err)
	}
	if most > 0 {
		if n, err := strconv.Atoi(global.Val()); err == nil {
			most = n
		}
		if int(parseNumber(started.Val())) < most {
			return 0, nil
		}
	}
	return max(rest.Val(), 0), nil
}

// DeduplicationJobID returns the id of the job that keeps others of a deduplication id away, or nothing.
func (q *Queue) DeduplicationJobID(ctx context.Context, id string) (string, error) {
	job, err := q.rdb.Get(ctx, q.keys.Deduplication(id)).Result()
	if err != nil && !isNil(err) {
		return "", q.failed("asking for a deduplication id of", err)
	}
	return job, nil
}

// errStates is what a caller gets who asks for a state that no job can be in.
var errStates = errors.New("no such state")

// ParseState reads the name of a state as clients and Bull Board write it; wait and paused are waiting.
func ParseState(name string) (State, error) {
	if name == "wait" || name == "paused" {
		return Waiting, nil
	}
	if state := State(name); slices.Contains(allStates, state) {
		return state, nil
	}
	return Unknown, fmt.Errorf("%w: %w: %q", ErrInvalid, errStates, name)
}
