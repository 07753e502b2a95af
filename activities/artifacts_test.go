package activities_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/store"
)

// leave makes sessions leave recordings of that size.
func (b *bundle) leave(kind browser.Recording, sizes ...int) {
	b.t.Helper()
	if b.script.recorded == nil {
		b.script.recorded = make(map[browser.Recording][]string)
	}
	for range sizes {
		file := filepath.Join(b.t.TempDir(), string(kind))
		require.NoError(b.t, os.WriteFile(file, []byte(strings.Repeat("x", sizes[0])), 0o600))
		b.script.recorded[kind] = append(b.script.recorded[kind], file)
	}
}

// inShort describes artifacts as kind, attempt.step and note.
func inShort(list []store.Artifact) []string {
	short := make([]string, len(list))
	for i, a := range list {
		short[i] = string(a.Kind) + " " + filepath.Base(a.Path) + a.Note
	}
	return short
}

func TestArtifactsFollowTheirPolicies(t *testing.T) {
	t.Parallel()
	for policy, want := range map[artifact.Policy][2][]string{ // of a first attempt that fails, and a second one that passes
		artifact.Off: {nil, nil},
		artifact.On: {
			{"dom attempt-1-step-1.html", "screenshot attempt-1-step-1.png", "dom attempt-1-step-2.html", "screenshot attempt-1-step-2.png", "trace attempt-1-trace.zip"},
			{
				"dom attempt-2-step-1.html", "screenshot attempt-2-step-1.png", "dom attempt-2-step-2.html", "screenshot attempt-2-step-2.png",
				"dom attempt-2-step-3.html", "screenshot attempt-2-step-3.png", "trace attempt-2-trace.zip",
			},
		},
		artifact.OnFailure: {{"dom attempt-1-step-2.html", "screenshot attempt-1-step-2.png", "trace attempt-1-trace.zip"}, nil},
		artifact.OnRetry: {nil, {
			"dom attempt-2-step-1.html", "screenshot attempt-2-step-1.png", "dom attempt-2-step-2.html", "screenshot attempt-2-step-2.png",
			"dom attempt-2-step-3.html", "screenshot attempt-2-step-3.png", "trace attempt-2-trace.zip",
		}},
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.cfg.Rules.Policies = map[artifact.Kind]artifact.Policy{artifact.Screenshot: policy, artifact.DOM: policy, artifact.Trace: policy}
			b.leave(browser.Trace, 10)
			b.script.steps = map[int]outcome{2: fails(browser.NotFound, "no")}
			id := b.add(threeSteps)
			b.attempt(b.input(id, 0))
			first := inShort(b.artifacts(id))
			b.script.steps = nil
			b.attempt(b.input(id, 1))
			require.ElementsMatch(t, want[0], first)
			require.ElementsMatch(t, want[1], inShort(b.artifacts(id)[len(first):]))

			recorded := [2]bool{policy == artifact.On || policy == artifact.OnFailure, policy != artifact.Off}
			for i, o := range b.script.opened {
				require.Equal(t, recorded[i], len(o.Record.Kinds) > 0, "what is off costs nothing")
			}
		})
	}
}

func TestRunChoosesItsArtifacts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.leave(browser.Video, 10, 10)
	b.config.Artifacts = map[artifact.Kind]artifact.Policy{artifact.Video: artifact.On, artifact.DOM: artifact.Off}
	b.script.steps = map[int]outcome{1: fails(browser.NotFound, "no")}
	id := b.add(threeSteps)
	b.attempt(b.input(id, 0))
	require.Equal(t, []string{"screenshot attempt-1-step-1.png", "video attempt-1-video.webm", "video attempt-1-video-2.webm"}, inShort(b.artifacts(id)))
	require.Equal(t, []browser.Recording{browser.Video}, b.script.opened[0].Record.Kinds)
	require.Equal(t, "Search, attempt 1", b.script.opened[0].Record.Title)
}

func TestLargeArtifactsLeaveANote(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.Rules.Policies = map[artifact.Kind]artifact.Policy{artifact.Trace: artifact.On, artifact.HAR: artifact.On, artifact.Video: artifact.On, artifact.Console: artifact.On}
	b.cfg.Rules.RunLimit = 1500
	b.leave(browser.Console, 10)
	b.leave(browser.Trace, 1001)
	b.leave(browser.HAR, 1000)
	b.leave(browser.Video, 500)
	b.script.finishErr = errors.New("the network's log was lost")
	b.config.Artifacts = map[artifact.Kind]artifact.Policy{artifact.Network: artifact.On}
	id := b.add(threeSteps)
	require.Equal(t, store.RunCompleted, b.attempt(b.input(id, 0)).Result.Status)
	list := b.artifacts(id)
	require.ElementsMatch(t, []string{
		"console attempt-1-console.log",
		"network .it could not be recorded: the network's log was lost",
		"trace .not kept: it has 1001 bytes, and a trace may have 1000",
		"har attempt-1-har.har",
		"video .not kept: it has 500 bytes, and the run's artifacts may have 490 more",
	}, inShort(list))
	for _, a := range list {
		require.Equal(t, a.Path == "", a.Bytes == 0)
	}
}

func TestCancelledAttemptKeepsItsRecordings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.Rules.Policies = map[artifact.Kind]artifact.Policy{artifact.Trace: artifact.OnFailure}
	b.leave(browser.Trace, 10)
	b.script.steps = map[int]outcome{2: func(ctx context.Context) error {
		b.cancel(temporal.NewCanceledError())
		return hangs(ctx)
	}}
	id := b.add(threeSteps)
	require.Equal(t, store.RunCancelled, b.attempt(b.input(id, 0)).Result.Status)
	require.Equal(t, []string{"trace attempt-1-trace.zip"}, inShort(b.artifacts(id)))
}

func TestAttemptOutOfTimeKeepsItsRecordings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.Rules.Policies = map[artifact.Kind]artifact.Policy{artifact.Trace: artifact.OnFailure}
	b.leave(browser.Trace, 10)
	b.script.steps = map[int]outcome{1: hangs}
	id := b.add(threeSteps)
	in := b.input(id, 0)
	in.Timeout = 300
	require.Equal(t, store.RunFailed, b.attempt(in).Result.Status)
	require.Equal(t, []string{"trace attempt-1-trace.zip"}, inShort(b.artifacts(id)))
}

func TestWorkerThatStopsKeepsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.Rules.Policies = map[artifact.Kind]artifact.Policy{artifact.Trace: artifact.On}
	b.leave(browser.Trace, 10)
	b.script.steps = map[int]outcome{1: func(ctx context.Context) error {
		b.cancel(errors.New("the worker stops"))
		return hangs(ctx)
	}}
	id := b.add(threeSteps)
	_, err := b.try(b.input(id, 0))
	requireFailure(t, err, "unavailable", "this worker stops")
	require.Empty(t, b.artifacts(id))
	require.Empty(t, b.script.kept)
}
