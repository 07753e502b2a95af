package bullmq

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Place names the collection of BullMQ's that holds a job's id.
type Place string

// The places. A job is in one of them, or in none.
const (
	Nowhere           Place = ""
	InWait            Place = "wait"
	InPaused          Place = "paused"
	InPrioritized     Place = "prioritized"
	InDelayed         Place = "delayed"
	InActive          Place = "active"
	InCompleted       Place = "completed"
	InFailed          Place = "failed"
	InWaitingChildren Place = "waiting-children"
)

// State is the state of the jobs in a place; false for those that no [State] describes.
func (p Place) State() (State, bool) {
	switch p {
	case InWait, InPaused, InPrioritized:
		return Waiting, true
	case InDelayed:
		return Delayed, true
	case InActive:
		return Active, true
	case InCompleted:
		return Completed, true
	case InFailed:
		return Failed, true
	case Nowhere, InWaitingChildren:
		return "", false
	default:
		return "", false
	}
}

// View is what Redis shows of a job at one moment.
type View struct {
	ID    string
	Place Place
	// DueAt is when a delayed job is due.
	DueAt time.Time
	// Token is who holds the job's lock; empty if nobody does.
	Token string
	// Fields is the job's hash; empty if there is none.
	Fields map[string]string
	// Kept is how far Redis has kept what was shown to it; the zero value if it lost everything.
	Kept Kept
}

// Kept tells whether Redis has kept its data, see [Projector.MarkEpoch] and [Projector.MarkPosition].
type Kept struct {
	Epoch    string
	Position int64
}

// Exists says whether the job is there.
func (v View) Exists() bool { return len(v.Fields) > 0 }

// Seq is the number of the newest change that a projector showed of the job; 0 if none ever did.
func (v View) Seq() int64 {
	n, err := strconv.ParseInt(v.Fields["cn:seq"], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Look reads what Redis shows of jobs, each at one moment, in one round trip.
func (p *Projector) Look(ctx context.Context, queue string, ids []string) ([]View, error) {
	k := p.Keys(queue)
	calls := make([]call, len(ids))
	for i, id := range ids {
		calls[i] = call{
			keys: []string{
				k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Delayed(), k.Completed(), k.Failed(), k.WaitingChildren(),
				k.Job(id), k.Lock(id), k.Epoch(), k.Position(),
			},
			args: []any{id},
		}
	}
	if len(calls) == 0 {
		return nil, nil
	}
	replies, err := p.look.runAll(ctx, p.rdb, calls)
	if err != nil {
		return nil, fmt.Errorf("looking at %d jobs of queue %s: %w", len(ids), queue, err)
	}
	views := make([]View, len(ids))
	for i, reply := range replies {
		parts, err := reply.Slice()
		if err != nil { // a key of another type: it is no job
			views[i] = View{ID: ids[i]}
			continue
		}
		views[i] = viewOf(ids[i], parts)
	}
	return views, nil
}

// Dropped says whether a job is not there because a projector deleted it to keep no more than the newest finished ones. It is
// known for the life of a tombstone.
func (p *Projector) Dropped(ctx context.Context, queue, id string) (bool, error) {
	stones, err := p.rdb.Exists(ctx, p.Keys(queue).Gone(id)).Result()
	if err != nil {
		return false, fmt.Errorf("looking for what became of job %s of queue %s: %w", id, queue, err)
	}
	return stones > 0, nil
}

// viewOf reads {place, score, token, epoch, position, hash}.
func viewOf(id string, parts []any) View {
	v := View{ID: id, Fields: map[string]string{}}
	if len(parts) != 6 {
		return v
	}
	v.Place = Place(text(parts[0]))
	if score, err := strconv.ParseInt(text(parts[1]), 10, 64); err == nil {
		v.DueAt = time.UnixMilli(score / scoresPerMilli)
	}
	v.Token = text(parts[2])
	v.Kept.Epoch = text(parts[3])
	v.Kept.Position, _ = strconv.ParseInt(text(parts[4]), 10, 64)
	pairs, _ := parts[5].([]any)
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Fields[text(pairs[i])] = text(pairs[i+1])
	}
	return v
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// Verdict says what became of an attempt to take a job.
type Verdict string

// The verdicts.
const (
	// Taken: the job is active now, and the taker's.
	Taken Verdict = "taken"
	// Ours: the job was active already under the taker's token.
	Ours Verdict = "ours"
	// Held: no job may be started at present. The queue is paused, or a limit is reached.
	Held Verdict = "held"
	// Other: the job is not to be had. Another consumer has it, or it is not due yet, or it has ended.
	Other Verdict = "other"
	// Missing: there is no such job.
	Missing Verdict = "missing"
)

// Take starts one job, if it waits or its delay is over at the time: the job is active then, its attempt counted, and
// listeners are told. It holds back while the queue is paused, and keeps to its global concurrency and rate limit.
// The view shows the job as it is afterwards.
func (p *Projector) Take(ctx context.Context, queue, id, worker string, lock Lock, now, due time.Time) (Verdict, View, error) {
	k := p.Keys(queue)
	token := lock.Token
	if token == "" {
		token = ownerless
	}
	replies, err := p.take.runAll(ctx, p.rdb, []call{{
		keys: []string{
			k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Delayed(), k.Completed(), k.Failed(), k.WaitingChildren(),
			k.Events(), k.Meta(), k.PriorityCounter(), k.Marker(), k.Waiting(), k.Limiter(), k.Stalled(),
			k.Job(id), k.Lock(id), k.Epoch(), k.Position(),
		},
		args: []any{id, token, lifeMillis(lock.TTL), millis(now), worker, decimal((due.UnixMilli()+1)*scoresPerMilli - 1)},
	}})
	if err == nil {
		err = replies[0].Err()
	}
	if err != nil {
		return "", View{}, fmt.Errorf("taking job %s of queue %s: %w", id, queue, err)
	}
	parts, err := replies[0].Slice()
	if err != nil || len(parts) != 7 {
		return "", View{}, fmt.Errorf("reading what became of job %s of queue %s: %w", id, queue, errors.Join(err, errUnexpected))
	}
	return Verdict(text(parts[0])), viewOf(id, parts[1:]), nil
}

var errUnexpected = errors.New("Redis answered something unexpected") //nolint:staticcheck // a name begins it

// OwnToken says whether a lock is one that a projector, or [Projector.Take] without a token, put on a job.
func OwnToken(token string) bool { return token == ownerless }

// Snapshot is what a queue holds at one moment.
type Snapshot struct {
	Meta map[string]string
	// Places has the place of each id.
	Places map[string]Place
	// Order has the ids of those that wait, the next one first, then all others.
	Order []string
	// Due is when delayed jobs are due, Priority how urgent prioritized ones are.
	Due      map[string]time.Time
	Priority map[string]int
	// LastEvent is the id of the newest entry of the stream: all that it and earlier ones tell is in the snapshot. "0-0"
	// if there is none.
	LastEvent string
	Kept      Kept
	// Schedulers has the time of the next job of each job scheduler.
	Schedulers map[string]time.Time
}

// Snapshot reads a queue in one transaction. It costs in proportion to the number of jobs.
func (p *Projector) Snapshot(ctx context.Context, queue string) (Snapshot, error) {
	k := p.Keys(queue)
	s := Snapshot{
		Places: map[string]Place{}, Due: map[string]time.Time{}, Priority: map[string]int{},
		Schedulers: map[string]time.Time{}, LastEvent: "0-0",
	}
	pipe := p.rdb.TxPipeline()
	meta := pipe.HGetAll(ctx, k.Meta())
	wait, paused, active := pipe.LRange(ctx, k.Wait(), 0, -1), pipe.LRange(ctx, k.Paused(), 0, -1), pipe.LRange(ctx, k.Active(), 0, -1)
	prioritized := pipe.ZRangeWithScores(ctx, k.Prioritized(), 0, -1)
	completed, failed := pipe.ZRange(ctx, k.Completed(), 0, -1), pipe.ZRange(ctx, k.Failed(), 0, -1)
	parents := pipe.ZRange(ctx, k.WaitingChildren(), 0, -1)
	delayed := pipe.ZRangeWithScores(ctx, k.Delayed(), 0, -1)
	schedulers := pipe.ZRangeWithScores(ctx, k.Repeat(), 0, -1)
	newest := pipe.XRevRangeN(ctx, k.Events(), "+", "-", 1)
	epoch, position := pipe.Get(ctx, k.Epoch()), pipe.Get(ctx, k.Position())
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) && !refusal(err) {
		return s, fmt.Errorf("reading queue %s: %w", queue, err)
	}
	s.Meta = meta.Val()
	put := func(id string, place Place) {
		s.Places[id] = place
		s.Order = append(s.Order, id)
	}
	for _, list := range []*redis.StringSliceCmd{paused, wait} {
		place := InWait
		if list == paused {
			place = InPaused
		}
		for _, id := range slices.Backward(list.Val()) {
			put(id, place)
		}
	}
	for _, z := range prioritized.Val() {
		put(text(z.Member), InPrioritized)
		s.Priority[text(z.Member)] = int(math.Floor(z.Score / (1 << 32)))
	}
	for _, z := range delayed.Val() {
		put(text(z.Member), InDelayed)
		s.Due[text(z.Member)] = time.UnixMilli(int64(z.Score) / scoresPerMilli)
	}
	for place, ids := range map[Place][]string{
		InActive: active.Val(), InCompleted: completed.Val(), InFailed: failed.Val(), InWaitingChildren: parents.Val(),
	} {
		for _, id := range ids {
			put(id, place)
		}
	}
	for _, z := range schedulers.Val() {
		s.Schedulers[text(z.Member)] = time.UnixMilli(int64(z.Score))
	}
	if entries := newest.Val(); len(entries) > 0 {
		s.LastEvent = entries[0].ID
	}
	s.Kept.Epoch = epoch.Val()
	s.Kept.Position, _ = position.Int64()
	return s, nil
}

// Mark is a short description of a queue that changes with almost everything that a client can do to it without telling
// listeners. It costs the same however long the queue is.
func (p *Projector) Mark(ctx context.Context, queue string) (string, error) {
	k := p.Keys(queue)
	pipe := p.rdb.Pipeline()
	counts := []*redis.IntCmd{
		pipe.LLen(ctx, k.Wait()), pipe.LLen(ctx, k.Paused()), pipe.LLen(ctx, k.Active()), pipe.ZCard(ctx, k.Prioritized()),
		pipe.ZCard(ctx, k.Delayed()), pipe.ZCard(ctx, k.Completed()), pipe.ZCard(ctx, k.Failed()),
		pipe.ZCard(ctx, k.WaitingChildren()), pipe.ZCard(ctx, k.Repeat()),
	}
	counter := pipe.Get(ctx, k.PriorityCounter())
	newest := pipe.XRevRangeN(ctx, k.Events(), "+", "-", 1)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) && !refusal(err) {
		return "", fmt.Errorf("looking at queue %s: %w", queue, err)
	}
	parts := []string{counter.Val()}
	for _, count := range counts {
		parts = append(parts, decimal(count.Val()))
	}
	if entries := newest.Val(); len(entries) > 0 {
		parts = append(parts, entries[0].ID)
	}
	return strings.Join(parts, "/"), nil
}

// Told is what the stream told of a queue.
type Told struct {
	// IDs are the jobs that entries name, each once.
	IDs []string
	// Events are the names of events that concern no single job, such as paused and cleaned.
	Events []string
	// Last is the id of the newest entry.
	Last string
}

// Follow reads what the stream tells after an entry, and waits for something that long. It returns the zero value if
// nothing came.
func (p *Projector) Follow(ctx context.Context, queue, after string, wait time.Duration) (Told, error) {
	streams, err := p.rdb.XRead(ctx, &redis.XReadArgs{Streams: []string{p.Keys(queue).Events(), after}, Count: 1000, Block: wait}).Result()
	if errors.Is(err, redis.Nil) {
		return Told{}, nil
	}
	if err != nil {
		return Told{}, fmt.Errorf("following queue %s: %w", queue, err)
	}
	var told Told
	seen := map[string]bool{}
	for _, stream := range streams {
		for _, entry := range stream.Messages {
			told.Last = entry.ID
			id := text(entry.Values["jobId"])
			if id == "" {
				told.Events = append(told.Events, text(entry.Values["event"]))
				continue
			}
			if !seen[id] {
				seen[id] = true
				told.IDs = append(told.IDs, id)
			}
		}
	}
	return told, nil
}

// EventBefore says whether an entry of the stream is older than another one, by their ids.
func EventBefore(id, other string) bool {
	at, count := eventID(id)
	otherAt, otherCount := eventID(other)
	return at < otherAt || at == otherAt && count < otherCount
}

func eventID(id string) (at, count uint64) {
	first, second, _ := strings.Cut(id, "-")
	at, _ = strconv.ParseUint(first, 10, 64)
	count, _ = strconv.ParseUint(second, 10, 64)
	return at, count
}
