package bullmq_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/testkit"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// The variables repeat a sequence of the property test, and make it try more of them.
const (
	seedVariable      = "CINNAMON_PROPERTY_SEED"
	sequencesVariable = "CINNAMON_PROPERTY_SEQUENCES"
	defaultSequences  = 60
	stepsOfSequence   = 60
)

// keeper plays what keeps the jobs and shows them: changes are made in order, and delivered at least once. Between, clients
// do what they do; the keeper follows them as soon as all its own changes of a job are delivered.
type keeper struct {
	*bundle
	t      *testing.T
	rng    *rand.Rand
	queue  *bullmq.Queue
	lives  map[string]*life
	ids    []string
	added  int
	outbox []bullmq.Change
	done   int // how many of them are known to be delivered
	log    []string
}

func TestProjectionAgreesWhateverHappens(t *testing.T) {
	t.Parallel()
	sequences, first := defaultSequences, uint64(1)
	if text := os.Getenv(sequencesVariable); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		sequences = n
	}
	if text := os.Getenv(seedVariable); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
		first, sequences = seed, 1
	}
	for n := range sequences {
		seed := first + uint64(n)
		b := setup(t)
		k := &keeper{
			bundle: b, t: t, rng: rand.New(rand.NewPCG(seed, 2)), queue: b.client(), lives: map[string]*life{},
		}
		for range stepsOfSequence {
			k.step()
		}
		k.rest()
		problems := k.problems()
		require.Empty(t, problems, "%s=%d\n%v", seedVariable, seed, k.log)
	}
}

func (k *keeper) step() {
	l := k.some()
	switch n := k.rng.IntN(20); {
	case l == nil || n < 2 && len(k.ids) < 4:
		k.add()
	case n < 9:
		k.advance(l)
	case n < 14:
		k.relay()
	case n < 16:
		_, _, err := k.projector.PromoteDue(k.t.Context(), k.bundle.queue, time.Now())
		require.NoError(k.t, err)
	case n < 17:
		k.follow(l)
	default:
		k.client(l)
	}
}

func (k *keeper) some() *life {
	if len(k.ids) == 0 {
		return nil
	}
	return k.lives[k.ids[k.rng.IntN(len(k.ids))]]
}

func (k *keeper) add() {
	k.added++
	l := newLife(fmt.Sprintf("job-%d", k.added))
	l.job.MaxAttempts = 100
	l.job.Priority = k.rng.IntN(2) * 3
	change := l.added
	switch k.rng.IntN(4) {
	case 0:
		change = func() bullmq.Change { return l.addedDelayed(time.Second) }
	case 1:
		change = func() bullmq.Change { return l.addedDelayed(10_000 * time.Hour) }
	}
	k.ids = append(k.ids, l.job.ID)
	k.lives[l.job.ID] = l
	k.append(change())
}

func (k *keeper) append(c bullmq.Change) {
	c.Kept = true
	k.outbox = append(k.outbox, c)
	k.log = append(k.log, fmt.Sprintf("%s %d %s", c.Job.ID, c.Seq, c.Transition))
}

// pending says whether changes of a job may not have been delivered.
func (k *keeper) pending(l *life) bool {
	return slices.ContainsFunc(k.outbox[k.done:], func(c bullmq.Change) bool { return c.Job.ID == l.job.ID })
}

// advance makes the next change of a job: its attempt begins, ends, or is taken over.
func (k *keeper) advance(l *life) {
	switch {
	case l.job.State.Finished():
	case l.job.State == bullmq.Active && k.rng.IntN(5) > 0:
		switch k.rng.IntN(4) {
		case 0:
			k.append(l.completed(`"fine"`))
		case 1:
			k.append(l.failed("boom"))
		case 2:
			k.append(l.backedOff("boom", time.Second))
		case 3: // given back
			l.job.State = bullmq.Waiting
			k.append(l.change(bullmq.Retried))
		}
	case l.job.State == bullmq.Delayed && l.job.DueAt.After(time.Now()):
	default:
		k.start(l)
	}
}

// start begins an attempt as a worker does: it asks Redis, unless that doesn't answer.
func (k *keeper) start(l *life) {
	taken := 0
	if k.rng.IntN(8) > 0 {
		verdict, view, err := k.projector.Take(k.t.Context(), k.bundle.queue, l.job.ID, "wk", bullmq.Lock{}, l.now, time.Now())
		require.NoError(k.t, err)
		k.log = append(k.log, fmt.Sprintf("%s take %s", l.job.ID, verdict))
		switch verdict {
		case bullmq.Held:
			return
		case bullmq.Missing, bullmq.Other:
			if !k.pending(l) {
				k.follow(l)
				return
			}
		case bullmq.Taken, bullmq.Ours:
			taken, err = strconv.Atoi(view.Fields["ats"])
			require.NoError(k.t, err)
			if k.rng.IntN(8) == 0 {
				return // the worker died before it wrote that down
			}
		}
	}
	if l.job.State == bullmq.Active {
		k.append(l.stalled())
	}
	l.job.AttemptsStarted = max(l.job.AttemptsStarted, taken-1)
	k.append(l.started())
}

// relay delivers some changes, perhaps again, and perhaps without knowing that they arrived.
func (k *keeper) relay() {
	from := max(0, k.done-k.rng.IntN(3))
	until := min(len(k.outbox), k.done+1+k.rng.IntN(4))
	if from >= until {
		return
	}
	results, err := k.projector.Apply(k.t.Context(), k.bundle.queue, k.outbox[from:until])
	require.NoError(k.t, err)
	for _, r := range results {
		require.NoError(k.t, r.Err)
	}
	if k.rng.IntN(4) > 0 {
		k.done = max(k.done, until)
	}
	k.log = append(k.log, fmt.Sprintf("delivered %d-%d of %d", from, until, len(k.outbox)))
}

// client does what a client may do to a job.
func (k *keeper) client(l *life) {
	ctx, id := k.t.Context(), l.job.ID
	var err error
	n := k.rng.IntN(9)
	switch n {
	case 0:
		err = k.queue.Pause(ctx)
	case 1, 2:
		err = k.queue.Resume(ctx)
	case 3:
		if !k.pending(l) && k.done == len(k.outbox) { // what is delivered later may bring it back
			err = k.queue.Remove(ctx, id)
			k.outbox, k.done = nil, 0
		}
	case 4, 5:
		err = k.queue.Retry(ctx, id, []bullmq.State{bullmq.Completed, bullmq.Failed}[n-4], bullmq.RetryOptions{})
	case 6:
		err = k.queue.Promote(ctx, id)
	case 7:
		err = k.queue.ChangePriority(ctx, id, k.rng.IntN(5), false)
	case 8:
		err = k.queue.ChangeDelay(ctx, id, []time.Duration{0, 10_000 * time.Hour}[k.rng.IntN(2)])
	}
	k.log = append(k.log, fmt.Sprintf("%s client %d: %v", id, n, err))
}

// follow makes the record of a job what was done to it.
func (k *keeper) follow(l *life) {
	if k.pending(l) {
		return
	}
	views, err := k.projector.Look(k.t.Context(), k.bundle.queue, []string{l.job.ID})
	require.NoError(k.t, err)
	v := views[0]
	state, ok := v.Place.State()
	switch {
	case !v.Exists():
		delete(k.lives, l.job.ID)
		k.ids = slices.DeleteFunc(k.ids, func(id string) bool { return id == l.job.ID })
		k.log = append(k.log, l.job.ID+" is gone")
	case !ok:
		require.Fail(k.t, "a job is nowhere", "%s\n%v", l.job.ID, k.log)
	case state == bullmq.Active && bullmq.OwnToken(v.Token):
	case state != l.job.State || state == bullmq.Delayed && !v.DueAt.Equal(l.job.DueAt) || number(v, "priority") != l.job.Priority:
		l.job.State, l.job.DueAt, l.job.Priority = state, v.DueAt, number(v, "priority")
		l.job.AttemptsStarted, l.job.AttemptsMade, l.job.Stalls = number(v, "ats"), number(v, "atm"), number(v, "stc")
		l.seq++
		k.log = append(k.log, fmt.Sprintf("%s %d followed: %s", l.job.ID, l.seq, state))
	}
}

func number(v bullmq.View, field string) int {
	n, err := strconv.Atoi(v.Fields[field])
	if err != nil {
		return 0
	}
	return n
}

// rest lets all that is under way come to its end.
func (k *keeper) rest() {
	require.NoError(k.t, k.queue.Resume(k.t.Context()))
	for k.done < len(k.outbox) {
		k.relay()
	}
	_, _, err := k.projector.PromoteDue(k.t.Context(), k.bundle.queue, time.Now())
	require.NoError(k.t, err)
	for _, l := range k.lives {
		k.follow(l)
	}
}

// problems compares what Redis shows with the records, and reads the stream.
func (k *keeper) problems() (found []string) {
	entries, err := k.rdb.XRange(k.t.Context(), k.keys.Events(), "-", "+").Result()
	require.NoError(k.t, err)
	ofJob := map[string][]testkit.Entry{}
	for _, e := range entries {
		entry := entryOf(e)
		ofJob[entry.JobID] = append(ofJob[entry.JobID], entry)
	}
	waits := []string{}
	for id, l := range k.lives {
		bad := func(format string, args ...any) { found = append(found, id+": "+fmt.Sprintf(format, args...)) }
		views, err := k.projector.Look(k.t.Context(), k.bundle.queue, []string{id})
		require.NoError(k.t, err)
		v := views[0]
		if places := k.places(id); len(places) != 1 {
			bad("it is in %v", places)
		}
		state, _ := v.Place.State()
		unwritten := state == bullmq.Active && l.job.State != bullmq.Active // its worker died over it
		if state != l.job.State && !unwritten {
			bad("it is in %s, but recorded as %s", v.Place, l.job.State)
		}
		if state == bullmq.Waiting {
			waits = append(waits, id)
		}
		if locked := k.exists(k.keys.Lock(id)); locked != (state == bullmq.Active) {
			bad("it is in %s, and that it is locked is %t", v.Place, locked)
		}
		told, err := testkit.Follow(ofJob[id], func(string, string) bool { return false })
		switch {
		case err != nil:
			bad("%s", err)
		case !slices.Contains(told.Places, string(v.Place)):
			bad("it is in %s, but the stream says %v", v.Place, told.Log)
		case told.Actives != number(v, "ats"), told.Stalls != number(v, "stc"), told.Ends != number(v, "atm"):
			bad("it counts %v, but the stream says %v", v.Fields, told.Log)
		case number(v, "ats") != l.job.AttemptsStarted && !unwritten, number(v, "atm") != l.job.AttemptsMade:
			bad("it counts %v, but its record %d and %d", v.Fields, l.job.AttemptsStarted, l.job.AttemptsMade)
		}
	}
	listed := k.list(k.keys.Waiting())
	slices.Sort(waits)
	slices.Sort(listed)
	if !slices.Equal(waits, listed) {
		found = append(found, fmt.Sprintf("%v wait, but the list of all that wait has %v", waits, listed))
	}
	return found
}

func entryOf(e redis.XMessage) testkit.Entry {
	value := func(name string) string {
		text, _ := e.Values[name].(string)
		return text
	}
	return testkit.Entry{ID: e.ID, Event: value("event"), JobID: value("jobId"), Prev: value("prev")}
}
