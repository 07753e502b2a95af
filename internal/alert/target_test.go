package alert_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/alert"
)

// TestTargetsAreTold sends to a chat's address and to a webhook, which checks the signature.
func TestTargetsAreTold(t *testing.T) {
	t.Parallel()
	const secret = "a-secret-of-the-webhook"
	bodies := make(chan string, 2)
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		body := string(text)
		if r.URL.Path == "/signed" {
			h := r.Header
			if h.Get("Webhook-Signature") != alert.Sign([]byte(secret), h.Get("Webhook-Id"), h.Get("Webhook-Timestamp"), body) {
				w.WriteHeader(http.StatusForbidden)
			}
		}
		bodies <- r.URL.Path + " " + body
	}))
	defer sink.Close()
	targets, err := alert.Targets(alert.Config{
		URLs:       []string{"generic+" + sink.URL + "/chat?template=json"},
		WebhookURL: sink.URL + "/signed", WebhookSecret: secret,
	})
	require.NoError(t, err)
	for _, tried := range alert.Test(t.Context(), targets) {
		require.Empty(t, tried.Error, tried.Target)
	}
	got := []string{<-bodies, <-bodies}
	if strings.HasPrefix(got[1], "/chat") {
		got[0], got[1] = got[1], got[0]
	}
	require.Contains(t, got[0], "/chat")
	require.Contains(t, got[0], "This is a test")
	require.Contains(t, got[1], `"type":"test"`)
}

// TestErrorsTellNoSecrets: what is in an address is in no message.
func TestErrorsTellNoSecrets(t *testing.T) {
	t.Parallel()
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no: "+r.URL.String(), http.StatusForbidden)
	}))
	defer refuses.Close()
	const secret = "T0kenThatNobodySees"
	targets, err := alert.Targets(alert.Config{
		URLs: []string{
			"generic+" + refuses.URL + "/" + secret + "?template=json", "generic+http://127.0.0.1:1/" + secret + "?x=" + secret,
		},
		WebhookURL: "http://127.0.0.1:1/" + secret, WebhookSecret: secret,
	})
	require.NoError(t, err)
	for _, tried := range alert.Test(t.Context(), targets) {
		require.NotEmpty(t, tried.Error)
		require.NotContains(t, tried.Error, secret)
	}
	for _, wrong := range []string{"nobody://" + secret, "slack://" + secret, secret, "discord://" + secret} {
		_, err := alert.Targets(alert.Config{URLs: []string{wrong}})
		require.Error(t, err)
		require.NotContains(t, err.Error(), secret)
	}
	_, err = alert.Targets(alert.Config{WebhookURL: "https://example.com/" + secret, WebhookSecret: "short"})
	require.ErrorContains(t, err, "ALERT_WEBHOOK_SECRET")
}
