package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/alert"
	"github.com/cinnamon-qa/cinnamon/store"
)

// TestAlertsArriveOnceAndRecover has two API processes watch a run that no worker takes: a webhook, which refuses at first, and a
// chat's address are told once, and once more when it is over.
func TestAlertsArriveOnceAndRecover(t *testing.T) {
	t.Parallel()
	requirePrograms(t)
	const secret = "a-secret-of-the-webhook"
	var mutex sync.Mutex
	var chat []string
	var signed []alert.Message
	refusals := 2
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		mutex.Lock()
		defer mutex.Unlock()
		if r.URL.Path == "/chat" {
			chat = append(chat, string(text))
			return
		}
		refusals--
		if refusals >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var m alert.Message
		if json.Unmarshal(text, &m) != nil || r.Header.Get("Webhook-Signature") != alert.Sign([]byte(secret), r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), string(text)) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		signed = append(signed, m)
	}))
	defer sink.Close()
	settings := []string{
		"ALERT_URLS=generic+" + sink.URL + "/chat?template=json", "ALERT_WEBHOOK_URL=" + sink.URL + "/token-in-the-path", "ALERT_WEBHOOK_SECRET=" + secret,
		"ALERT_INTERVAL=1s", "ALERT_RULES=waiting=1s,dead-letter=off,budget=0.99,bridge-lag=off,dependency-down=off", "CLEANUP_MAX_RUNS=1",
	}
	s, err := startStackIn(t.Context(), settings, "--without", "worker")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })
	second, err := start(os.Getenv("CINNAMON_BIN"), []string{"api"}, append(s.environment(), append(settings, "API_ADDR=127.0.0.1:0")...)...)
	require.NoError(t, err)

	accepted := s.submit(t, exampleCase(t, "login.json"), nil)
	told := func(firing, resolved int) func() bool {
		return func() bool {
			mutex.Lock()
			defer mutex.Unlock()
			f, r := 0, 0
			for _, m := range signed {
				f, r = f+len(m.Firing), r+len(m.Resolved)
			}
			return f == firing && r == resolved && len(chat) == firing+resolved
		}
	}
	await(t, soon, "the alert", told(1, 0))
	code, out, errs := s.command(t, "alert", "rules")
	require.Zero(t, code, errs)
	require.Regexp(t, `(?m)^waiting .* firing since `, out)
	s.request(t, http.MethodPost, "/api/test-runs/"+accepted.TestRunID+"/cancel", "", http.StatusAccepted, nil)
	await(t, soon, "the recovery", told(1, 1))
	await(t, soon, "the budget of clean-ups to be seen used, a minute before anybody is told", func() bool {
		now, err := s.store.Alerts(t.Context())
		require.NoError(t, err)
		return slices.ContainsFunc(now, func(a store.Alert) bool {
			return a.Rule == alert.Budget && a.Subject == "the budget of runs (CLEANUP_MAX_RUNS)" && a.State == store.AlertPending
		})
	})
	require.NoError(t, second.stop(soon))
	require.True(t, told(1, 1)(), "nobody is told twice")
	mutex.Lock()
	defer mutex.Unlock()
	require.Equal(t, alert.Waiting, signed[0].Firing[0].Rule)
	require.Contains(t, chat[0], "ALERT waiting")
	require.Contains(t, chat[1], "OK waiting test-execution")
	for _, log := range []string{s.dev.output.String(), second.output.String()} {
		require.NotContains(t, log, "token-in-the-path")
		require.NotContains(t, log, strings.TrimPrefix(sink.URL, "http://"))
	}
}
