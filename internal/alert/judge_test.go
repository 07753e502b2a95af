package alert_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/alert"
	"github.com/cinnamon-qa/cinnamon/store"
)

var start = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

// TestAnAlertIsToldOnceAndAgainAfterItsCoolDown plays a service that goes away, comes back, flaps and stays away.
func TestAnAlertIsToldOnceAndAgainAfterItsCoolDown(t *testing.T) {
	t.Parallel()
	down := alert.Condition{Rule: alert.DependencyDown, Subject: "redis", Detail: "away", For: time.Minute}
	var known []store.Alert
	var told []string
	at := func(minute float64, holds bool) {
		var conditions []alert.Condition
		if holds {
			conditions = append(conditions, down)
		}
		var firing, resolved int
		known, firing, resolved = alert.Judged(known, conditions, start.Add(time.Duration(minute*float64(time.Minute))), time.Hour, 30*time.Second)
		switch {
		case firing > 0:
			told = append(told, "firing")
		case resolved > 0:
			told = append(told, "over")
		}
	}
	expect := func(want ...string) {
		t.Helper()
		require.Equal(t, want, told)
		told = nil
	}
	at(0, true)
	at(0.5, true)
	expect() // it may be over in a moment
	at(1, true)
	at(1.5, true)
	at(30, true)
	expect("firing")
	at(31, false)
	at(31.2, true) // it was away for a moment only
	at(32, false)
	at(33, false)
	at(34, false)
	expect("over")
	for minute := 35.0; minute < 60; minute++ {
		at(minute, int(minute)%2 == 0) // it flaps within the cool-down
	}
	expect()
	at(60, true)
	at(61.5, true)
	expect("firing")
	at(100, true)
	at(122, true) // it is still away, an hour later
	expect("firing")
	at(123, false)
	at(124, false)
	expect("over")
	at(200, false)
	require.Empty(t, known)
}

func TestRulesAreParsed(t *testing.T) {
	t.Parallel()
	rules, err := alert.Parse("waiting=10m, flaky=off,failure-rate=0.5")
	require.NoError(t, err)
	words := map[string]string{}
	for _, r := range rules {
		words[r.Name] = r.Words()
		require.Equal(t, r.Name == alert.Flaky, r.Off)
	}
	require.Contains(t, words[alert.Waiting], "more than 10m")
	require.Contains(t, words[alert.FailureRate], "more than 50 %")
	for _, wrong := range []string{"wating=10m", "waiting=soon", "flaky=7", "dead-letter=0"} {
		_, err := alert.Parse(wrong)
		require.Error(t, err, wrong)
	}
}
