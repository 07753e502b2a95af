package bullmq

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// DefaultPrefix is the prefix that clients use unless they were told otherwise.
	DefaultPrefix = "bull"

	// promotionsAtOnce and deletionsAtOnce bound how long one script keeps Redis busy.
	promotionsAtOnce = 1000
	deletionsAtOnce  = 1000
	// idsAtOnce is how many ids are read at once, and idsAgain how many of them with the next ones again: as many may
	// leave the list meanwhile without hiding another.
	idsAtOnce = 1000
	idsAgain  = 100
)

// Outcome says what became of a change.
type Outcome string

// The outcomes.
const (
	// Projected changed what Redis shows, or found it right already.
	Projected Outcome = "projected"
	// Announced told listeners of a change whose state a silent one showed before.
	Announced Outcome = "announced"
	// Seen was applied before, or came after a newer one.
	Seen Outcome = "seen"
	// Refused can't be shown, ever: see the error.
	Refused Outcome = "refused"
)

// Applied is what became of one change. Err is a [*ChangeError] if, and only if, the outcome is [Refused].
type Applied struct {
	Outcome Outcome
	Err     error
}

// Projector shows jobs on the queues of one prefix. It holds no state and may be used by many goroutines, but the
// changes of one job must not be applied by two at the same time: the later one would win and hide the other.
type Projector struct {
	rdb          redis.UniversalClient
	prefix       string
	tombstoneTTL time.Duration
	metrics      int
	project      script
	promote      script
	progress     script
	log          script
	position     script
	look         script
	take         script
	follow       script
}

// Option alters a projector.
type Option func(*Projector)

// WithTombstoneTTL sets for how long a deleted job's changes are recognised when they come again. An hour by default.
func WithTombstoneTTL(ttl time.Duration) Option {
	return func(p *Projector) { p.tombstoneTTL = max(ttl, time.Millisecond) }
}

// WithMetrics counts the jobs that end, per minute, for so many minutes, as a worker with the option metrics does: what
// getMetrics and dashboards draw. Without it nothing is counted.
func WithMetrics(minutes int) Option {
	return func(p *Projector) { p.metrics = max(minutes, 0) }
}

// NewProjector returns a projector on the queues of a prefix.
func NewProjector(rdb redis.UniversalClient, prefix string, options ...Option) *Projector {
	p := &Projector{
		rdb:          rdb,
		prefix:       prefix,
		tombstoneTTL: time.Hour,
		project:      loadScript("project-19.lua"),
		promote:      loadScript("promote-10.lua"),
		progress:     loadScript("progress-2.lua"),
		log:          loadScript("lines-2.lua"),
		position:     loadScript("position-1.lua"),
		look:         loadScript("look-12.lua"),
		take:         loadScript("take-19.lua"),
		follow:       loadScript("follow-11.lua"),
	}
	for _, option := range options {
		option(p)
	}
	return p
}

// Keys returns the keys of a queue.
func (p *Projector) Keys(queue string) Keys { return NewKeys(p.prefix, queue) }

// Apply shows changes in their order, in one round trip. It returns one result per change; a change that can't be shown
// is refused without harm to the others. An error means that Redis didn't answer for all of them: nothing is known
// about any, and the same changes may be applied again.
func (p *Projector) Apply(ctx context.Context, queue string, changes []Change) ([]Applied, error) {
	results := make([]Applied, len(changes))
	asked := make([]int, 0, len(changes))
	encoded := make([]any, 0, len(changes))
	for i, change := range changes {
		if err := check(queue, change); err != nil {
			results[i] = Applied{Outcome: Refused, Err: err}
			continue
		}
		encoded = append(encoded, encode(change))
		asked = append(asked, i)
	}
	replies, err := p.project.runInRuns(ctx, p.rdb, p.projectCall(queue), encoded, 1)
	if err != nil {
		return nil, fmt.Errorf("projecting %d changes to queue %s: %w", len(encoded), queue, err)
	}
	for n, reply := range replies {
		results[asked[n]] = outcome(changes[asked[n]], reply)
	}
	return results, nil
}

// projectCall is a run of the project script without any change.
func (p *Projector) projectCall(queue string) call {
	k := p.Keys(queue)
	return call{
		keys: []string{
			k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Delayed(), k.Completed(), k.Failed(), k.WaitingChildren(),
			k.Events(), k.Meta(), k.ID(), k.PriorityCounter(), k.Marker(), k.Stalled(), k.Waiting(),
			k.Metrics(Completed), k.MetricsData(Completed), k.Metrics(Failed), k.MetricsData(Failed),
		},
		args: []any{k.Base(), k.Gone(""), lifeMillis(p.tombstoneTTL), deletionsAtOnce, p.metrics},
	}
}

func outcome(change Change, r reply) Applied {
	if r.err != nil {
		problem := &ChangeError{JobID: change.Job.ID, Seq: change.Seq, Problem: "Redis refuses it", Err: r.err}
		return Applied{Outcome: Refused, Err: problem}
	}
	return Applied{Outcome: []Outcome{Seen, Projected, Announced}[r.code]}
}

// PromoteDue moves delayed jobs that are due, a thousand at most, to where they wait, and gathers jobs that clients of
// major 5 put aside while the queue was paused: call it at least every few seconds. It returns when the next one is
// due: the zero time if none is delayed, a time that has passed if there are more to move.
func (p *Projector) PromoteDue(ctx context.Context, queue string, now time.Time) (int, time.Time, error) {
	k := p.Keys(queue)
	highest := (now.UnixMilli()+1)*scoresPerMilli - 1
	replies, err := p.promote.runAll(ctx, p.rdb, []call{{
		keys: []string{
			k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Delayed(),
			k.Events(), k.Meta(), k.PriorityCounter(), k.Marker(), k.Waiting(),
		},
		args: []any{k.Base(), strconv.FormatInt(highest, 10), promotionsAtOnce},
	}})
	if err == nil {
		err = replies[0].Err()
	}
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("promoting due jobs of queue %s: %w", queue, err)
	}
	reply, err := replies[0].Slice()
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("reading how many jobs of queue %s were promoted: %w", queue, err)
	}
	promoted, _ := reply[0].(int64)
	text, _ := reply[1].(string)
	if text == "" {
		return int(promoted), time.Time{}, nil
	}
	due, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("reading when the next job of queue %s is due: %w", queue, err)
	}
	return int(promoted), time.UnixMilli(due), nil
}

// OpenIDs calls visit with the ids, a thousand or so at a time, that Redis shows as not finished. An id that moves
// meanwhile, as visit may make it do, can come twice. They may be of jobs that others added.
func (p *Projector) OpenIDs(ctx context.Context, queue string, visit func(ids []string) error) error {
	k := p.Keys(queue)
	// What is promoted or gathered on the way is met at the latest where it goes to. A key of another type holds no ids.
	for _, walk := range []struct {
		key  string
		each func(ctx context.Context, key string, visit func([]string) error) error
	}{
		{k.Delayed(), p.eachMember},
		{k.Paused(), p.eachElement},
		{k.Prioritized(), p.eachMember},
		{k.Wait(), p.eachElement},
		{k.Active(), p.eachElement},
	} {
		if err := walk.each(ctx, walk.key, visit); err != nil && !refusal(err) {
			return fmt.Errorf("walking the open jobs of queue %s: %w", queue, err)
		}
	}
	return nil
}

// eachElement reads the whole list before it visits, as that takes elements out.
func (p *Projector) eachElement(ctx context.Context, key string, visit func([]string) error) error {
	var all []string
	for start := int64(0); ; start += idsAtOnce - idsAgain {
		ids, err := p.rdb.LRange(ctx, key, start, start+idsAtOnce-1).Result()
		if err != nil {
			return err
		}
		all = append(all, ids...)
		if len(ids) < idsAtOnce {
			break
		}
	}
	for ids := range slices.Chunk(all, idsAtOnce) {
		if err := visit(ids); err != nil {
			return err
		}
	}
	return nil
}

func (p *Projector) eachMember(ctx context.Context, key string, visit func([]string) error) error {
	for cursor := uint64(0); ; {
		found, next, err := p.rdb.ZScan(ctx, key, cursor, "", idsAtOnce).Result()
		if err != nil {
			return err
		}
		ids := make([]string, 0, len(found)/2)
		for i := 0; i < len(found); i += 2 { // a score follows each
			ids = append(ids, found[i])
		}
		if len(ids) > 0 {
			if err := visit(ids); err != nil {
				return err
			}
		}
		if next == 0 {
			return nil
		}
		cursor = next
	}
}
