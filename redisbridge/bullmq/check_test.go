package bullmq_test

import (
	"context"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

func TestPoisonIsRefusedAlone(t *testing.T) {
	t.Parallel()
	poison := map[string]func(c *bullmq.Change){
		"data that is not JSON":         func(c *bullmq.Change) { c.Job.Data = json.RawMessage(`{"a":`) },
		"options that are no object":    func(c *bullmq.Change) { c.Job.Opts = json.RawMessage(`[]`) },
		"options that are not JSON":     func(c *bullmq.Change) { c.Job.Opts = json.RawMessage(`{attempts:1}`) },
		"progress that is not JSON":     func(c *bullmq.Change) { c.Job.Progress = json.RawMessage(`NaN`) },
		"return value that is not JSON": func(c *bullmq.Change) { c.Job.ReturnValue = json.RawMessage(`done`) },
		"no id":                         func(c *bullmq.Change) { c.Job.ID = "" },
		"endless id":                    func(c *bullmq.Change) { c.Job.ID = strings.Repeat("x", 2000) },
		"id of a key":                   func(c *bullmq.Change) { c.Job.ID = "wait" },
		"id of our own key":             func(c *bullmq.Change) { c.Job.ID = "waiting" },
		"id of a lock":                  func(c *bullmq.Change) { c.Job.ID = "1:lock" },
		"id of a deduplication key":     func(c *bullmq.Change) { c.Job.ID = "de:x" },
		"id of a scheduler":             func(c *bullmq.Change) { c.Job.ID = "repeat:x" },
		"id of an ancient marker":       func(c *bullmq.Change) { c.Job.ID = "0:1" },
		"id zero":                       func(c *bullmq.Change) { c.Job.ID = "0" },
		"no number":                     func(c *bullmq.Change) { c.Seq = 0 },
		"no timestamp":                  func(c *bullmq.Change) { c.Job.Timestamp = time.Time{} },
		"year 10000":                    func(c *bullmq.Change) { c.Job.Timestamp = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"unknown transition":            func(c *bullmq.Change) { c.Transition = "exploded" },
		"unknown state":                 func(c *bullmq.Change) { c.Job.State = "odd" },
		"impossible state":              func(c *bullmq.Change) { c.Job.State = bullmq.Completed },
		"huge priority":                 func(c *bullmq.Change) { c.Job.Priority = 1 << 21 },
		"negative attempts":             func(c *bullmq.Change) { c.Job.AttemptsMade = -1 },
		"delayed without a time":        func(c *bullmq.Change) { c.Job.State = bullmq.Delayed },
		"active without a time": func(c *bullmq.Change) {
			c.Transition, c.Job.State = bullmq.Started, bullmq.Active
		},
		"ended without a time": func(c *bullmq.Change) {
			c.Transition, c.Job.State = bullmq.Exhausted, bullmq.Failed
		},
	}
	for name, spoil := range poison {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			bad := newLife("bad").added()
			spoil(&bad)
			results, err := b.projector.Apply(t.Context(), b.queue, []bullmq.Change{newLife("a").added(), bad, newLife("b").added()})
			require.NoError(t, err)
			require.Equal(t, bullmq.Projected, results[0].Outcome)
			require.Equal(t, bullmq.Refused, results[1].Outcome)
			require.Equal(t, bullmq.Projected, results[2].Outcome)
			var problem *bullmq.ChangeError
			require.ErrorAs(t, results[1].Err, &problem)
			require.Equal(t, bad.Job.ID, problem.JobID)
			require.Equal(t, []string{"b", "a"}, b.list(b.keys.Wait()))
		})
	}
}

func TestIDsOfClientsAreAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, id := range []string{"1", "007", "1e3", "with spaces", "a/b", "ünï", "a:b:c", "repeat:sid:1795390150779", "%s"} {
		b.apply(newLife(id).added())
		require.Equal(t, []string{"wait"}, b.places(id))
	}
}

func TestKeyOfAnotherTypeIsThatChangesFault(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.rdb.Set(t.Context(), b.keys.Job("odd"), "a string", 0).Err())
	results, err := b.projector.Apply(t.Context(), b.queue, []bullmq.Change{newLife("odd").added(), newLife("a").added()})
	require.NoError(t, err)
	require.Equal(t, bullmq.Refused, results[0].Outcome)
	require.ErrorContains(t, results[0].Err, "WRONGTYPE")
	require.Equal(t, bullmq.Projected, results[1].Outcome)
}

func TestEmptyBatches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	results, err := b.projector.Apply(t.Context(), b.queue, nil)
	require.NoError(t, err)
	require.Empty(t, results)
	shown, err := b.projector.Progress(t.Context(), b.queue, nil)
	require.NoError(t, err)
	require.Empty(t, shown)
}

// silence is a connection that breaks on every command.
type silence struct{}

func (silence) DialHook(next redis.DialHook) redis.DialHook { return next }

func (silence) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, command redis.Cmder) error {
		command.SetErr(net.ErrClosed)
		return net.ErrClosed
	}
}

func (silence) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(_ context.Context, commands []redis.Cmder) error {
		for _, command := range commands {
			command.SetErr(net.ErrClosed)
		}
		return net.ErrClosed
	}
}

// TestRedisThatDoesNotAnswer concerns the whole batch, not a change of it.
func TestRedisThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	rdb.AddHook(silence{})
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	p := bullmq.NewProjector(rdb, "bull")
	results, err := p.Apply(t.Context(), "q", []bullmq.Change{newLife("1").added()})
	require.ErrorIs(t, err, net.ErrClosed)
	require.Nil(t, results)
	_, err = p.Progress(t.Context(), "q", []bullmq.Progress{{JobID: "1", Attempt: 1, Value: json.RawMessage("1")}})
	require.ErrorIs(t, err, net.ErrClosed)
	_, _, err = p.PromoteDue(t.Context(), "q", base)
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = p.Epoch(t.Context(), "q")
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, p.MarkEpoch(t.Context(), "q", "e"), net.ErrClosed)
	_, err = p.Position(t.Context(), "q")
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = p.MarkPosition(t.Context(), "q", 0, 1)
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, p.OpenIDs(t.Context(), "q", nil), net.ErrClosed)
}

func TestMissingOptionsAreMadeUp(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1").prioritized(5)
	l.job.Opts, l.job.Data, l.job.LIFO = nil, nil, true
	b.apply(l.added())
	require.JSONEq(t, `{"attempts":2,"priority":5,"lifo":true}`, b.hash("1")["opts"])
	require.Equal(t, "{}", b.hash("1")["data"])
}

// TestTextsPassThroughUntouched: what JavaScript wrote is what JavaScript reads, number for number.
func TestTextsPassThroughUntouched(t *testing.T) {
	t.Parallel()
	b, l := setup(t), newLife("1")
	text := "{\"n\":12345678901234567890, \"e\":1e400, \"s\":\"a/b\\u2028\\ud83d\\ude00 é\", \"empty\":[], \"z\":null}"
	l.job.Data, l.job.Opts = json.RawMessage(text), json.RawMessage(text)
	b.apply(l.added(), l.started(), l.completed(text))
	hash := b.hash("1")
	require.Equal(t, text, hash["data"])
	require.Equal(t, text, hash["opts"])
	require.Equal(t, text, hash["returnvalue"])
	require.Contains(t, b.events(), "event completed jobId 1 returnvalue "+text+" prev active")
}
