package bullmq

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// What a claim can find.
const (
	claimTaken   = "taken"   // a job
	claimEmpty   = "empty"   // nothing
	claimDelayed = "delayed" // nothing that is due
	claimLimited = "limited" // the limit is reached
	claimPaused  = "paused"  // the queue is paused, or as many jobs run as may
	claimNone    = "none"    // nothing was asked for
)

// callTimeout is how long one call of a script may take, dialling included.
const callTimeout = 10 * time.Second

// claim asks for a job.
type claim struct {
	token string // of its lock; empty: for none
	again bool   // an earlier call with this token may have been carried out
}

// claimed is what a claim found.
type claimed struct {
	status  string
	token   string
	id      string
	hash    map[string]string
	wait    time.Duration // until it is worth asking again; 0: not known
	dropped []string      // ids that no job belongs to
}

// claimArgs are the first arguments of each script that takes a job: see include/claim.lua.
func (w *Worker) claimArgs(now time.Time, c claim) []any {
	limit, window := 0, time.Duration(0)
	if w.options.Limiter != nil {
		limit, window = w.options.Limiter.Max, w.options.Limiter.Duration
	}
	return []any{
		w.keys.Base(), millis(now), c.token, lifeMillis(w.options.LockDuration), w.options.Name,
		strconv.Itoa(limit), lifeMillis(window), flag(c.again),
	}
}

// claimKeys are the first keys of each script that takes a job.
func (w *Worker) claimKeys(more ...string) []string {
	k := w.keys
	return append([]string{
		k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Delayed(), k.Events(), k.Meta(), k.PriorityCounter(),
		k.Marker(), k.public + "limiter",
	}, more...)
}

// take claims the next job.
func (w *Worker) take(ctx, beyond context.Context, c claim) (claimed, error) {
	if ctx.Err() != nil {
		return claimed{}, ctx.Err()
	}
	reply, err := w.call(beyond, w.scripts.claim, w.claimKeys(), w.claimArgs(time.Now(), c))
	if err != nil {
		return claimed{}, err
	}
	return w.readClaim(c, asReply(reply))
}

// reclaim gives back a job that Redis may have handed out while the worker could not hear it.
func (w *Worker) reclaim(beyond context.Context, c claim) {
	ctx, cancel := context.WithTimeout(beyond, time.Second)
	defer cancel()
	found, err := w.take(ctx, ctx, c)
	if err != nil || found.status != claimTaken {
		return
	}
	a := w.hold(found)
	defer w.letGo(a)
	_, err = w.settle(ctx, ctx, a, ending{where: whereReturn})
	if err != nil {
		w.report(err)
	}
}

func (w *Worker) readClaim(c claim, reply []any) (claimed, error) {
	if len(reply) < 5 {
		return claimed{}, fmt.Errorf("reading what Redis says of a claim: %d parts", len(reply))
	}
	found := claimed{status: asText(reply[0]), token: c.token, id: asText(reply[1]), hash: map[string]string{}}
	fields := asReply(reply[2])
	for i := 0; i+1 < len(fields); i += 2 {
		found.hash[asText(fields[i])] = asText(fields[i+1])
	}
	if ms, err := strconv.ParseInt(asText(reply[3]), 10, 64); err == nil && ms > 0 {
		found.wait = time.Duration(min(ms, int64(time.Hour/time.Millisecond))) * time.Millisecond
	}
	for _, id := range asReply(reply[4]) {
		found.dropped = append(found.dropped, asText(id))
		w.report(&JobError{JobID: asText(id), Doing: "taking", Err: ErrNoJob})
	}
	return found, nil
}

// await waits until it is worth asking for a job again: until somebody says that there is one, the next delayed one is
// due, the limit allows one more, or a while has passed.
func (w *Worker) await(ctx context.Context, found claimed) {
	if found.status == claimLimited {
		sleep(ctx, min(found.wait, w.options.DrainDelay))
		return
	}
	rest := w.options.DrainDelay
	if found.wait > 0 {
		rest = min(rest, found.wait)
	}
	until := time.Now().Add(rest)
	pause := backoffPause{}
	for ctx.Err() == nil {
		rest := time.Until(until)
		if rest < time.Millisecond {
			return
		}
		reply, err := w.blocking.Do(ctx, "bzpopmin", w.keys.Marker(), formatSeconds(rest)).Slice()
		switch {
		case errors.Is(err, redis.Nil):
			return
		case err != nil:
			if ctx.Err() == nil {
				w.report(fmt.Errorf("waiting for a job of %s: %w", w.queue, err))
			}
			pause.sleep(ctx)
			return
		case len(reply) < 3 || asText(reply[1]) == "0":
			return
		}
		// The marker says when the next delayed job is due.
		due, _ := strconv.ParseFloat(asText(reply[2]), 64)
		if at := time.UnixMilli(int64(due)).Add(time.Millisecond); due > 0 && at.Before(until) {
			until = at
		}
	}
}

func formatSeconds(d time.Duration) string {
	return strconv.FormatFloat(max(d, time.Millisecond).Seconds(), 'f', 3, 64)
}

// call runs a script once.
func (w *Worker) call(ctx context.Context, s script, keys []string, args []any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return s.exec(ctx, w.commands, keys, args...).Result()
}

func asReply(v any) []any {
	list, _ := v.([]any)
	return list
}

func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return decimal(v)
	case float64: // RESP3 has numbers of its own for scores
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
