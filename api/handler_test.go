package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/api"
	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/health"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store"
)

const key = "key-of-the-test"

// records is a store that has whatever it is asked for, and fails as Postgres does on text that isn't one.
type records struct {
	mu    sync.Mutex
	asked []string
	saved []store.TestCase
	kept  []store.Artifact

	adaptations []store.Adaptation
	definition  string // of every case

	letters []store.DeadLetter
	filters []store.LetterFilter
}

func (r *records) ask(ids ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, ids...)
}

func (r *records) Run(_ context.Context, id string) (store.Run, error) {
	r.ask(id)
	return store.Run{ID: id}, nil
}

func (r *records) Runs(_ context.Context, ids []string, _ int) ([]store.Run, error) {
	r.ask(ids...)
	return make([]store.Run, len(ids)), nil
}

func (r *records) Steps(_ context.Context, runID string) ([]store.Step, error) {
	r.ask(runID)
	return nil, nil
}

func (r *records) Artifact(_ context.Context, runID, id string) (store.Artifact, error) {
	r.ask(runID, id)
	for _, a := range r.kept {
		if a.ID == id && a.RunID == runID {
			return a, nil
		}
	}
	return store.Artifact{ID: id, RunID: runID, Kind: artifact.Screenshot, ContentType: "image/png", Path: "there", SHA256: "5ca1ab1e"}, nil
}

func (r *records) Artifacts(_ context.Context, runID string) ([]store.Artifact, error) {
	r.ask(runID)
	return r.kept, nil
}

func (r *records) Adaptations(_ context.Context, runID string) ([]store.Adaptation, error) {
	r.ask(runID)
	return r.adaptations, nil
}

func (r *records) SaveCase(_ context.Context, c store.TestCase) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.saved = append(r.saved, c)
	return true, nil
}

func (r *records) Case(_ context.Context, id string) (store.TestCase, error) {
	r.ask(id)
	if id == "gone" {
		return store.TestCase{}, fault.New(fault.NotFound, "there is no test case %q", id)
	}
	return store.TestCase{ID: id, Definition: []byte(r.definition)}, nil
}

func (r *records) Cases(_ context.Context, after string, _ int) ([]store.TestCase, error) {
	r.ask(after)
	return nil, nil
}

func (r *records) SaveSuite(context.Context, store.Suite) (bool, error) { return true, nil }

func (r *records) Suite(_ context.Context, id string) (store.Suite, error) {
	r.ask(id)
	return store.Suite{ID: id, Definition: []byte(`{}`)}, nil
}

func (r *records) Suites(_ context.Context, after string, _ int) ([]store.Suite, error) {
	r.ask(after)
	return nil, nil
}

func (r *records) SuiteRun(_ context.Context, id string) (store.SuiteRun, error) {
	r.ask(id)
	return store.SuiteRun{ID: id}, nil
}

func (r *records) SuiteRuns(_ context.Context, of store.SuiteRunsOf, _ int) ([]store.SuiteRun, error) {
	r.ask(of.SuiteID)
	return nil, nil
}

func (r *records) RunsOfSuite(_ context.Context, suiteRunID string, _, _ int) ([]store.Run, error) {
	r.ask(suiteRunID)
	return nil, nil
}

func (r *records) DeadLetters(_ context.Context, f store.LetterFilter) ([]store.DeadLetter, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.filters = append(r.filters, f)
	return r.letters, nil
}

func (r *records) CountDeadLetters(context.Context, store.LetterFilter) (int, error) {
	return len(r.letters), nil
}

// submissions keeps what was submitted.
type submissions struct{ requests []starter.Request }

func (s *submissions) Submit(_ context.Context, r starter.Request) (store.Run, bool, error) {
	s.requests = append(s.requests, r)
	return store.Run{ID: "run-1", Status: store.RunPending}, true, nil
}

func (s *submissions) SubmitBatch(_ context.Context, requests []starter.Request) ([]starter.Batched, error) {
	s.requests = append(s.requests, requests...)
	return make([]starter.Batched, len(requests)), nil
}

func (s *submissions) Cancel(context.Context, string) error { return nil }

func (s *submissions) SubmitSuite(context.Context, starter.SuiteRequest) (store.SuiteRun, bool, error) {
	return store.SuiteRun{ID: "suite-run-1", Status: store.RunRunning}, true, nil
}

func (s *submissions) CancelSuite(context.Context, string) error { return nil }

func (s *submissions) Requeue(_ context.Context, runID string) (store.Run, error) {
	return store.Run{ID: runID, Status: store.RunPending}, nil
}

// RequeueAll refuses a run named passed.
func (s *submissions) RequeueAll(_ context.Context, runIDs []string) []starter.Requeued {
	results := make([]starter.Requeued, len(runIDs))
	for i, id := range runIDs {
		results[i].RunID = id
		if id == "passed" {
			results[i].Err = fault.New(fault.Conflict, "test run %q is completed: only a failed one can be requeued", id)
		}
	}
	return results
}

// stored is a file that is read from memory.
type stored struct{ *bytes.Reader }

func (stored) Close() error       { return nil }
func (stored) ModTime() time.Time { return time.Time{} }

type files struct{}

func (files) Open(_ context.Context, path string) (artifact.Reader, error) {
	if path == "gone" {
		return nil, artifact.ErrNotFound
	}
	return stored{bytes.NewReader([]byte("0123456789"))}, nil
}

// bundle is a handler and what it works with.
type bundle struct {
	http.Handler

	records     *records
	submissions *submissions
	locators    *locators
	quarantine  *quarantine
}

func setup(t *testing.T, checks ...health.Check) bundle {
	t.Helper()
	return newHandler(bundle{records: &records{}, submissions: &submissions{}, locators: &locators{}, quarantine: &quarantine{cases: map[string]store.Quarantined{}}}, viewerFiles(), checks...)
}

func newHandler(b bundle, viewer fs.FS, checks ...health.Check) bundle {
	b.Handler = api.Handler(api.Deps{
		Starter: b.submissions, Store: b.records, Locators: b.locators, Learned: learned{}, Quarantine: b.quarantine, Artifacts: files{}, Services: health.New(checks...), Key: key, TraceViewer: viewer,
		Metrics: metrics.New("api", slog.New(slog.DiscardHandler)), Log: slog.New(slog.DiscardHandler),
	})
	return b
}

// problem is what tests read of an error.
type problem struct {
	Code   fault.Code    `json:"code"`
	Detail string        `json:"detail"`
	Errors []fault.Field `json:"errors"`
}

// send sends a request with the key; headers are names and values in turn.
func (b bundle) send(t *testing.T, method, target, body string, headers ...string) (int, problem) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	var p problem
	if w.Code >= http.StatusBadRequest {
		require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
		require.NoError(t, json.NewDecoder(bytes.NewReader(w.Body.Bytes())).Decode(&p))
	}
	return w.Code, p
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, test := range []struct {
		header, value string
		want          int
	}{
		{"Authorization", "Bearer " + key, http.StatusOK},
		{"Authorization", "bearer " + key, http.StatusOK},
		{"Authorization", "BEARER  " + key, http.StatusOK},
		{"X-API-Key", key, http.StatusOK},
		{"Authorization", "Basic " + key, http.StatusUnauthorized},
		{"Authorization", "Bearer" + key, http.StatusUnauthorized},
		{"Authorization", "Bearer", http.StatusUnauthorized},
		{"Authorization", key, http.StatusUnauthorized},
		{"Authorization", "bearer " + strings.ToUpper(key), http.StatusUnauthorized},
		{"X-Other", key, http.StatusUnauthorized},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/test-runs", http.NoBody)
		r.Header.Set(test.header, test.value)
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		require.Equal(t, test.want, w.Code, "%s: %s", test.header, test.value)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, test := range []struct {
		body string
		code int
		want string
	}{
		{`{"testCaseId": "login"}`, http.StatusAccepted, ""},
		{"{\"testCaseId\": \"login\"}\r\n \t", http.StatusAccepted, ""},
		{`{"testCaseId": "login"}}}`, http.StatusBadRequest, "the body is not valid: there is something after the JSON document"},
		{`{"testCaseId": "login"}]`, http.StatusBadRequest, "the body is not valid: there is something after the JSON document"},
		{`{"testCaseId": "login"} {}`, http.StatusBadRequest, "the body is not valid: there is something after the JSON document"},
		{`{"testCaseId": "login"} x`, http.StatusBadRequest, "the body is not valid: there is something after the JSON document"},
		{"{\"userId\": \"\xff\"}", http.StatusBadRequest, "the body is not valid UTF-8"},
		{``, http.StatusBadRequest, "the body is not valid: EOF"},
		{`{"testCaseId": "\u0000"}`, http.StatusUnprocessableEntity, "testCaseId: it must be 1 to 128 letters, digits, dots, dashes or underscores"},
	} {
		code, p := b.send(t, http.MethodPost, "/api/test-runs", test.body)
		require.Equal(t, test.code, code, test.body)
		require.Equal(t, test.want, p.Detail, test.body)
	}
	require.Len(t, b.submissions.requests, 2)

	code, p := b.send(t, http.MethodPut, "/api/test-cases/login", "{\"title\": \"\xc3\x28\", \"steps\": [{\"type\": \"scroll\"}]}")
	require.Equal(t, http.StatusBadRequest, code)
	require.Equal(t, "the body is not valid UTF-8", p.Detail)
	code, _ = b.send(t, http.MethodPut, "/api/test-cases/login", `{"title": "t", "steps": [{"type": "scroll"}]}}}`)
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Empty(t, b.records.saved)
	code, _ = b.send(t, http.MethodPut, "/api/test-cases/login", `{"title": "t", "steps": [{"type": "scroll"}]}`)
	require.Equal(t, http.StatusCreated, code)
	require.Len(t, b.records.saved, 1)
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const name, body = "Idempotency-Key", `{"testCaseId": "login"}`
	for _, good := range []string{"a", "order 66 / ~!", strings.Repeat("k", 255)} {
		code, _ := b.send(t, http.MethodPost, "/api/test-runs", body, name, good)
		require.Equal(t, http.StatusAccepted, code)
		require.Equal(t, good, b.submissions.requests[len(b.submissions.requests)-1].IdempotencyKey)
	}
	submitted := len(b.submissions.requests)
	for _, bad := range [][]string{
		{name, ""},
		{name, strings.Repeat("k", 256)},
		{name, "schlüssel"},
		{name, "a\xffb"},
		{name, "a\x00b"},
		{name, "a\tb"},
		{name, "a", name, "b"},
	} {
		code, p := b.send(t, http.MethodPost, "/api/test-runs", body, bad...)
		require.Equal(t, http.StatusUnprocessableEntity, code, "%q", bad)
		require.Equal(t, []fault.Field{{Field: name, Message: "it must be one key of 1 to 255 printable ASCII characters"}}, p.Errors)
	}
	require.Len(t, b.submissions.requests, submitted)
}

func TestIDs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const file = "/artifacts/0b0e7a9a-3a57-4a0e-9d10-2b1f6a0f6d11"
	for _, target := range []string{"/api/test-runs/run-1", "/api/test-runs/run-1/steps", "/api/test-runs/run-1" + file, "/api/test-runs/run-1/artifacts", "/api/test-cases/log.in_1", "/api/test-cases", "/api/test-cases?after=", "/api/test-cases?after=a", "/api/test-runs?id=a&id=b"} {
		code, _ := b.send(t, http.MethodGet, target, "")
		require.Equal(t, http.StatusOK, code, target)
	}
	b.records.asked = nil
	for _, id := range []string{"%00", "a%00b", "%ff", "a%C3%28", "-a", "a%20b", "%C3%BC", "a%0A", strings.Repeat("a", 129)} {
		for _, target := range []string{"/api/test-runs/" + id, "/api/test-runs/" + id + "/steps", "/api/test-runs/" + id + file, "/api/test-runs/" + id + "/artifacts", "/api/test-cases/" + id} {
			code, p := b.send(t, http.MethodGet, target, "")
			require.Equal(t, http.StatusNotFound, code, target)
			require.Equal(t, fault.NotFound, p.Code)
		}
		code, p := b.send(t, http.MethodPost, "/api/test-runs/"+id+"/cancel", "")
		require.Equal(t, http.StatusNotFound, code)
		require.Equal(t, fault.NotFound, p.Code)

		for query, field := range map[string]string{"/api/test-runs?id=a&id=" + id: "id", "/api/test-cases?after=" + id: "after"} {
			code, p := b.send(t, http.MethodGet, query, "")
			require.Equal(t, http.StatusUnprocessableEntity, code, query)
			require.Len(t, p.Errors, 1)
			require.Equal(t, field, p.Errors[0].Field)
		}
		code, p = b.send(t, http.MethodPut, "/api/test-cases/"+id, `{"title": "t", "steps": [{"type": "scroll"}]}`)
		require.Equal(t, http.StatusUnprocessableEntity, code)
		require.Equal(t, "testCaseId", p.Errors[0].Field)
	}
	require.Empty(t, b.records.asked, "nothing that can't be an id reaches the database")
}
