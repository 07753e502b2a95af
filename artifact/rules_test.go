package artifact_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/artifact"
)

func TestPolicies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		policy                         artifact.Policy
		first, firstFailed             bool
		second, secondFailed, recorded bool
	}{
		{policy: artifact.Off},
		{policy: artifact.On, first: true, firstFailed: true, second: true, secondFailed: true, recorded: true},
		{policy: artifact.OnFailure, firstFailed: true, secondFailed: true, recorded: true},
		{policy: artifact.OnRetry, second: true, secondFailed: true},
		{policy: ""},
		{policy: "sometimes"},
	} {
		require.Equal(t, test.first, test.policy.For(1).Keeps(false), test.policy)
		require.Equal(t, test.firstFailed, test.policy.For(1).Keeps(true), test.policy)
		require.Equal(t, test.second, test.policy.For(2).Keeps(false), test.policy)
		require.Equal(t, test.secondFailed, test.policy.For(2).Keeps(true), test.policy)
		require.Equal(t, test.recorded, test.policy.For(1) != artifact.Off, test.policy)
	}
}

func TestRulesOfARun(t *testing.T) {
	t.Parallel()
	defaults := artifact.Rules{Policies: map[artifact.Kind]artifact.Policy{artifact.Trace: artifact.OnRetry, artifact.Video: artifact.Off}}
	run := defaults.With(map[artifact.Kind]artifact.Policy{artifact.Video: artifact.On})
	require.Equal(t, map[artifact.Kind]artifact.Policy{artifact.Trace: artifact.Off, artifact.Video: artifact.On}, run.For(1))
	require.Equal(t, map[artifact.Kind]artifact.Policy{artifact.Trace: artifact.On, artifact.Video: artifact.On}, run.For(2))
	require.Equal(t, artifact.Off, defaults.Policies[artifact.Video], "the defaults stay as they are")

	require.Empty(t, artifact.CheckPolicy(artifact.HAR, artifact.OnRetry))
	require.Contains(t, artifact.CheckPolicy(artifact.HAR, "always"), "off, on, on-failure, on-retry")
	require.Contains(t, artifact.CheckPolicy("film", artifact.On), "screenshot, dom, console, network, trace, har, video")
}
