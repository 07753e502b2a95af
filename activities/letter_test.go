package activities_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// letter is the dead letter of the run, if it has one.
func (b *bundle) letter() *store.DeadLetter {
	b.t.Helper()
	list, err := b.records.DeadLetters(b.t.Context(), store.LetterFilter{Limit: 1})
	require.NoError(b.t, err)
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

func TestFailuresAreClassed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		arrange func(b *bundle)
		want    store.Class
		final   bool // none of the other attempts would help
	}{
		"assertion":   {func(b *bundle) { b.script.steps = map[int]outcome{3: fails(browser.Assertion, "no")} }, store.Assertion, false},
		"not found":   {func(b *bundle) { b.script.steps = map[int]outcome{2: fails(browser.NotFound, "no")} }, store.NotFound, false},
		"timeout":     {func(b *bundle) { b.script.steps = map[int]outcome{2: fails(browser.Timeout, "no")} }, store.Timeout, false},
		"navigation":  {func(b *bundle) { b.script.steps = map[int]outcome{1: fails(browser.Navigation, "no")} }, store.Navigation, false},
		"script":      {func(b *bundle) { b.script.steps = map[int]outcome{2: fails(browser.Script, "no")} }, store.Script, false},
		"exhausted":   {func(b *bundle) { b.script.steps = map[int]outcome{2: fails(browser.Exhausted, "no")} }, store.Exhausted, false},
		"refused":     {func(b *bundle) { b.script.steps = map[int]outcome{1: fails(browser.Refused, "no")} }, store.Refused, true},
		"unsupported": {func(b *bundle) { b.script.steps = map[int]outcome{2: fails(browser.Unsupported, "no")} }, store.Unsupported, true},
		"whole time":  {func(b *bundle) { b.script.steps = map[int]outcome{2: hangs} }, store.Timeout, false},
		"no case":     {func(*bundle) {}, store.Invalid, true},
		"bad case":    {func(*bundle) {}, store.Invalid, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			test.arrange(b)
			definition := threeSteps
			switch name {
			case "no case":
				definition = ""
			case "bad case":
				definition = `{"title": "x", "steps": [{"type": "teleport"}]}`
			}
			id := b.add(definition)
			in := b.input(id, 0)
			if name == "whole time" {
				in.Timeout = 600
			}
			result := b.attempt(in)
			require.Equal(t, test.final, result.Finished)
			require.Equal(t, test.want, b.run(id).Class)
			if !test.final {
				require.Nil(t, b.letter(), "attempts are left")
				return
			}
			require.Equal(t, test.want, b.letter().Class)
			require.Equal(t, b.run(id).Error, b.letter().Reason)
			require.Equal(t, 1, b.letter().Attempts)
		})
	}
}

// closedGate holds every attempt back, as a paused queue does.
type closedGate struct{}

func (closedGate) Claim(context.Context, string, string, string) (queue.Grant, error) {
	return queue.Grant{Kind: queue.Held, Why: "the queue is paused"}, nil
}

// limited adds a run that may wait for a worker for a millisecond.
func (b *bundle) limited() string {
	b.t.Helper()
	b.queueTimeout = 1
	return b.add(threeSteps)
}

func TestHeldAttemptExpires(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.Gate = closedGate{}
	id := b.limited()
	in := b.input(id, 0)
	in.Expires = time.Now().Add(-time.Second)
	result := b.attempt(in)
	require.True(t, result.Finished)
	require.Equal(t, store.RunFailed, result.Result.Status)
	require.Contains(t, result.Result.Error, "resume the queue if it is paused")
	require.Equal(t, store.Expired, b.letter().Class)
	require.Zero(t, b.letter().Attempts)
	require.Equal(t, queue.Failed, b.job(id).State)
	require.NotEmpty(t, b.job(id).ReturnValue)

	// The attempt comes again, its worker having died over it: the run has ended.
	again := b.attempt(in)
	requireSame(t, result, again)
}

func TestHeldAttemptThatDoesNotExpire(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(b *bundle, in *activities.AttemptInput){
		"it may wait for as long as it takes": func(_ *bundle, in *activities.AttemptInput) { in.Expires = time.Time{} },
		"it has waited for a short time only": func(_ *bundle, in *activities.AttemptInput) { in.Expires = time.Now().Add(time.Minute) },
		// A takeover comes with the input of the first try, which waited long.
		"its worker died": func(b *bundle, in *activities.AttemptInput) {
			_, err := b.records.ClaimAttempt(b.t.Context(), b.def.Name, in.RunID, "doomed", 0, time.Now(), nil)
			require.NoError(b.t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.cfg.Gate = closedGate{}
			id := b.limited()
			in := b.input(id, 0)
			in.Expires = time.Now().Add(-time.Second)
			arrange(b, &in)
			_, err := b.try(in)
			requireFailure(t, err, "held", "the queue is paused")
			require.False(t, b.run(id).Status.Finished())
			require.Nil(t, b.letter())
		})
	}
}

func TestRunThatNoWorkerTookIsEnded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(threeSteps)
	in := activities.EndRunInput{Queue: b.def.Name, RunID: id, Status: store.RunFailed, Class: store.Expired, Reason: "no worker took it"}
	require.NoError(t, b.end(in))
	require.Equal(t, store.Expired, b.letter().Class)
	require.Equal(t, "no worker took it", b.run(id).Error)
	require.NoError(t, b.end(in), "asked again")
}
