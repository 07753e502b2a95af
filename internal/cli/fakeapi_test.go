package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const apiKey = "a key for tests"

// fakeAPI answers as the API does. What becomes of a run is said by the title of its case; each poll that asks for a
// run takes it one state further.
type fakeAPI struct {
	url string
	// intercept may answer instead; n counts the requests from 1.
	intercept func(w http.ResponseWriter, r *http.Request, n int) bool

	mu       sync.Mutex
	requests int
	batches  int
	runs     map[string]*fakeRun
	order    []*fakeRun
	byKey    map[string]*fakeRun
	starts   []map[string]any // bodies of the requests that started a run
	inFlight int
	most     int // requests at a time
	cancels  int
	suites   []*fakeSuite
	saved    map[string]any      // bodies by path
	stored   map[string][]string // titles of the cases of stored suites
	maxIDs   int                 // in one poll
}

type fakeRun struct {
	id, title string
	states    []map[string]any
	at        int
	cancelled bool
}

func newFakeAPI(t *testing.T) *fakeAPI {
	t.Helper()
	f := &fakeAPI{runs: map[string]*fakeRun{}, byKey: map[string]*fakeRun{}, saved: map[string]any{}, stored: map[string][]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/test-runs", f.start)
	mux.HandleFunc("POST /api/test-runs/batch", f.startBatch)
	mux.HandleFunc("GET /api/test-runs", f.list)
	mux.HandleFunc("POST /api/suite-runs", f.startSuite)
	mux.HandleFunc("POST /api/suites/{suite}/runs", f.startSuite)
	mux.HandleFunc("GET /api/suite-runs", f.listSuiteRuns)
	mux.HandleFunc("GET /api/suites/{suite}/runs", f.listSuiteRuns)
	mux.HandleFunc("GET /api/suite-runs/{id}", f.suiteRun)
	mux.HandleFunc("GET /api/suite-runs/{id}/runs", f.runsOfSuite)
	mux.HandleFunc("POST /api/suite-runs/{id}/cancel", f.cancelSuite)
	mux.HandleFunc("GET /api/suites", f.listSuites)
	mux.HandleFunc("PUT /api/suites/{suite}", f.save)
	mux.HandleFunc("PUT /api/test-cases/{case}", f.save)
	mux.HandleFunc("GET /api/test-runs/{id}/steps", f.steps)
	mux.HandleFunc("GET /api/test-runs/{id}/artifacts", f.artifacts)
	mux.HandleFunc("GET /api/test-runs/{id}/adaptations", f.adaptations)
	mux.HandleFunc("POST /api/test-runs/{id}/cancel", f.cancel)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.requests++
		n := f.requests
		f.inFlight++
		f.most = max(f.most, f.inFlight)
		f.mu.Unlock()
		defer func() {
			f.mu.Lock()
			f.inFlight--
			f.mu.Unlock()
		}()
		switch {
		case f.intercept != nil && f.intercept(w, r, n):
		case r.Header.Get("Authorization") != "Bearer "+apiKey:
			answerProblem(w, http.StatusUnauthorized, "the key is missing or wrong")
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *fakeAPI) start(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		answerProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	definition, _ := body["case"].(map[string]any)
	title, _ := definition["title"].(string)
	steps, _ := definition["steps"].([]any)
	if strings.HasPrefix(title, "refused") {
		answerProblem(w, http.StatusUnprocessableEntity, "the case can't run", "case.steps[0].url", "is not allowed")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	run, known := f.byKey[key]
	if !known {
		run = &fakeRun{id: fmt.Sprintf("run-%d", len(f.runs)+1), title: title, states: script(title, len(steps))}
		f.byKey[key], f.runs[run.id] = run, run
		f.order = append(f.order, run)
		f.starts = append(f.starts, body)
	}
	w.Header().Set("Content-Type", "application/json")
	if known {
		w.WriteHeader(http.StatusOK)
	} else {
		w.WriteHeader(http.StatusAccepted)
	}
	answer(w, map[string]any{"testRunId": run.id, "status": "pending", "links": map[string]any{"self": "/api/test-runs/" + run.id}})
}

// startBatch starts each run as a request of its own would.
func (f *fakeAPI) startBatch(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Runs []json.RawMessage `json:"runs"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		answerProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	f.mu.Lock()
	f.batches++
	f.mu.Unlock()
	items := make([]map[string]any, len(body.Runs))
	for i, text := range body.Runs {
		var keyed struct {
			Key string `json:"idempotencyKey"`
		}
		_ = json.Unmarshal(text, &keyed)
		one, recorder := httptest.NewRequestWithContext(r.Context(), http.MethodPost, "/api/test-runs", bytes.NewReader(text)), httptest.NewRecorder()
		one.Header.Set("Idempotency-Key", keyed.Key)
		f.start(recorder, one)
		field := "run"
		if recorder.Code >= http.StatusBadRequest {
			field = "error"
		}
		items[i] = map[string]any{"status": recorder.Code, field: json.RawMessage(recorder.Body.Bytes())}
	}
	answer(w, map[string]any{"items": items})
}

func (f *fakeAPI) list(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := r.URL.Query()["id"]
	f.maxIDs = max(f.maxIDs, len(ids))
	items := []any{}
	for _, id := range ids {
		run := f.runs[id]
		if run == nil || run.title == "vanishes" {
			continue
		}
		state := run.states[run.at]
		run.at = min(run.at+1, len(run.states)-1)
		if run.cancelled && run.title != "deaf" {
			state = map[string]any{"status": "cancelled", "attempt": 1}
		}
		item := map[string]any{"testRunId": run.id, "title": run.title, "maxAttempts": 3, "links": map[string]any{
			"self": "/api/test-runs/" + run.id, "artifacts": "/api/test-runs/" + run.id + "/artifacts", "temporal": "http://temporal.test/" + run.id,
		}}
		maps.Copy(item, state)
		items = append(items, item)
	}
	answer(w, map[string]any{"items": items})
}

func (f *fakeAPI) steps(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	step := func(attempt, number int, status string) map[string]any {
		return map[string]any{
			"number": number, "attempt": attempt, "status": status, "action": "assertText", "description": `assertText "Total"`,
			"error": fmt.Sprintf("attempt %d", attempt), "screenshot": fmt.Sprintf("/api/test-runs/%s/artifacts/%d-%d", id, attempt, number),
		}
	}
	answer(w, map[string]any{"items": []any{
		step(1, 1, "failed"), step(3, 1, "success"), step(3, 2, "failed"), step(3, 3, "skipped"),
	}})
}

func (f *fakeAPI) artifacts(w http.ResponseWriter, r *http.Request) {
	file := func(attempt, step int, kind, viewer string) map[string]any {
		return map[string]any{
			"kind": kind, "attempt": attempt, "step": step, "bytes": 7, "viewer": viewer,
			"download": fmt.Sprintf("/api/test-runs/%s/artifacts/%s-%d?signature=x", r.PathValue("id"), kind, attempt),
		}
	}
	answer(w, map[string]any{"items": []any{
		file(2, 0, "trace", "/trace/2"), file(3, 2, "dom", ""), file(3, 0, "trace", "/trace/3"), file(3, 0, "console", ""),
		map[string]any{"kind": "video", "attempt": 3, "note": "not kept"},
	}})
}

func (f *fakeAPI) adaptations(w http.ResponseWriter, r *http.Request) {
	answer(w, map[string]any{"items": []any{
		map[string]any{"attempt": 1, "stepNumber": 1, "adaptationType": "locator", "reason": "nothing was taken in its place", "successful": false},
		map[string]any{
			"attempt": 1, "stepNumber": 2, "adaptationType": "locator", "reason": "button \"Log in\": similar words, the same role", "successful": true,
			"oldLocator": "#login", "newLocator": "aria/Log in", "score": 0.8, "confidence": 0.9,
			"screenshots": map[string]any{"before": fmt.Sprintf("/api/test-runs/%s/artifacts/before?signature=x", r.PathValue("id"))},
		},
		map[string]any{"attempt": 1, "stepNumber": 3, "adaptationType": "overlay", "reason": "\"Accept all\" closed what lay over the element", "successful": true},
	}})
}

func (f *fakeAPI) cancel(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cancels++
	f.runs[r.PathValue("id")].cancelled = true
	w.WriteHeader(http.StatusAccepted)
}

// script returns the states that a run goes through.
func script(title string, steps int) []map[string]any {
	state := func(status string, attempt, current int, more map[string]any) map[string]any {
		s := map[string]any{
			"status": status, "attempt": attempt, "totalSteps": steps, "completedSteps": max(current-1, 0),
			"progress": map[string]any{"currentStep": current, "totalSteps": steps},
		}
		maps.Copy(s, more)
		return s
	}
	pending, running := state("pending", 0, 0, nil), state("running", 1, 1, nil)
	broken := map[string]any{"error": "expected \"12.00\", found \"13.00\""}
	ended := map[string]any{"completedSteps": steps, "duration": 2340}
	retried := []map[string]any{
		pending, running, state("pending", 1, 2, broken), state("running", 2, 1, nil),
	}
	switch kind, _, _ := strings.Cut(title, " "); kind {
	case "flaky":
		return append(retried, state("completed", 2, steps, map[string]any{"flaky": true, "completedSteps": steps, "duration": 900}))
	case "adapted":
		return []map[string]any{pending, running, state("adapted", 1, steps, map[string]any{"completedSteps": steps, "adaptedSteps": 1, "duration": 2340})}
	case "fails", "quarantined":
		return append(retried, state("pending", 2, 2, broken), state("running", 3, 2, nil), state("failed", 3, 2, map[string]any{
			"error": broken["error"], "failedSteps": 1, "completedSteps": 1, "duration": 61000, "quarantined": kind == "quarantined",
		}))
	case "stopped":
		return []map[string]any{pending, running, state("cancelled", 1, 1, nil)}
	case "endless", "deaf":
		return []map[string]any{pending, running}
	default:
		return []map[string]any{pending, running, state("running", 1, 2, nil), state("completed", 1, steps, ended)}
	}
}

func answer(w http.ResponseWriter, body any) {
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func answerProblem(w http.ResponseWriter, status int, detail string, fields ...string) {
	problem := map[string]any{"status": status, "title": http.StatusText(status), "detail": detail, "code": "test"}
	if len(fields) > 0 {
		problem["errors"] = []any{map[string]any{"field": fields[0], "message": fields[1]}}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	answer(w, problem)
}

func (f *fakeAPI) counts() (requests, runs, cancels int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests, len(f.runs), f.cancels
}

// caseJSON returns a valid case with three steps.
func caseJSON(t *testing.T, title string) []byte {
	t.Helper()
	step := map[string]any{"type": "navigate", "url": "http://127.0.0.1:8090/login"}
	data, err := json.Marshal(map[string]any{"title": title, "steps": []any{step, step, step}})
	require.NoError(t, err)
	return data
}
