package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/store"
)

// read sends a request with the key and decodes the answer.
func (b bundle) read(t *testing.T, method, target, body string, out any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	require.Less(t, w.Code, http.StatusBadRequest, w.Body.String())
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), out))
}

func TestLettersAreFiltered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.records.letters = []store.DeadLetter{{ID: 7, Queue: "test-execution", RunID: "run-1", JobID: "run-1", Class: store.Timeout, Attempts: 3}}
	var page struct {
		Total int `json:"total"`
		Items []struct {
			ID        int               `json:"id"`
			TestRunID string            `json:"testRunId"`
			Class     string            `json:"class"`
			Links     map[string]string `json:"links"`
		} `json:"items"`
	}
	b.read(t, http.MethodGet, "/api/dead-letters?queue=test-execution&class=timeout&testCaseId=login&since=2026-11-03T12:00:00Z&until=2026-11-04T00:00:00%2B01:00&after=9&limit=20", "", &page)
	require.Equal(t, 1, page.Total)
	require.Equal(t, "run-1", page.Items[0].TestRunID)
	require.Equal(t, "/api/test-runs/run-1/requeue", page.Items[0].Links["requeue"])
	f := b.records.filters[0]
	require.Equal(t, store.LetterFilter{
		Queue: "test-execution", Class: store.Timeout, TestCaseID: "login", Since: f.Since, Until: f.Until, After: 9, Limit: 20,
	}, f)
	require.Equal(t, time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC), f.Since.UTC())
	require.Equal(t, time.Date(2026, 11, 3, 23, 0, 0, 0, time.UTC), f.Until.UTC())

	for field, query := range map[string]string{
		"queue": "queue=tests", "class": "class=bad-luck", "testCaseId": "testCaseId=a%00", "since": "since=yesterday", "until": "until=1",
		"after": "after=run-1", "limit": "limit=201",
	} {
		code, p := b.send(t, http.MethodGet, "/api/dead-letters?"+query, "")
		require.Equal(t, http.StatusUnprocessableEntity, code, query)
		require.Equal(t, field, p.Errors[0].Field)
	}
}

func TestRequeueSaysWhatBecameOfEachRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var done struct {
		Requeued, Refused int
		After             int
		Items             []struct {
			TestRunID    string
			Requeued     bool
			Code, Reason string
		}
	}
	b.read(t, http.MethodPost, "/api/dead-letters/requeue", `{"ids": ["run-1", "passed"]}`, &done)
	require.Equal(t, 1, done.Requeued)
	require.Equal(t, 1, done.Refused)
	require.True(t, done.Items[0].Requeued)
	require.Equal(t, "conflict", done.Items[1].Code)
	require.Contains(t, done.Items[1].Reason, "only a failed one can be requeued")

	b.records.letters = []store.DeadLetter{{ID: 9, RunID: "run-2"}, {ID: 4, RunID: "run-3"}}
	b.read(t, http.MethodPost, "/api/dead-letters/requeue", `{"class": "assertion", "limit": 2}`, &done)
	require.Equal(t, 2, done.Requeued)
	require.Equal(t, 4, done.After, "where the next request goes on")
	require.Equal(t, store.LetterFilter{Class: store.Assertion, Limit: 2}, b.records.filters[0])

	for _, test := range []struct{ body, field string }{
		{`{"ids": []}`, "ids"},
		{`{"ids": ["a:b"]}`, "ids"},
		{`{"ids": ["a"], "class": "timeout"}`, "ids"},
		{`{"ids": ["` + strings.Repeat(`a","`, 200) + `a"]}`, "ids"},
		{`{"limit": 1000}`, "limit"},
		{`{"class": "x"}`, "class"},
		{`{"klass": "x"}`, "klass"},
	} {
		code, p := b.send(t, http.MethodPost, "/api/dead-letters/requeue", test.body)
		require.Equal(t, http.StatusUnprocessableEntity, code, test.body)
		require.Equal(t, test.field, p.Errors[0].Field)
	}
}
