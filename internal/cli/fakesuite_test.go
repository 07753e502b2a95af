package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// fakeSuite is a suite run of the fake API. Its runs end at once, as their titles say, unless it is watched.
type fakeSuite struct {
	id, suite, title string
	runs             []*fakeRun
	body             map[string]any
	cancelled        bool
}

func (f *fakeAPI) startSuite(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		answerProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	title, _ := body["title"].(string)
	s := &fakeSuite{id: "suite-run-" + strconv.Itoa(len(f.suites)+1), suite: r.PathValue("suite"), title: title, body: body}
	add := func(id, title string, steps int) {
		run := &fakeRun{id: id, title: title, states: script(title, steps)}
		f.runs[id], f.order, s.runs = run, append(f.order, run), append(s.runs, run)
	}
	cases, _ := body["cases"].([]any)
	for _, c := range cases {
		one, _ := c.(map[string]any)
		definition, _ := one["case"].(map[string]any)
		id, _ := one["testRunId"].(string)
		title, _ := definition["title"].(string)
		steps, _ := definition["steps"].([]any)
		add(id, title, len(steps))
	}
	failedOf, _ := body["failedOf"].(string)
	titles := slices.Clone(f.stored[s.suite])
	if failedOf != "" {
		titles = nil
		for _, earlier := range f.suites {
			for _, run := range earlier.runs {
				if earlier.id == failedOf && run.ended() != "completed" {
					titles = append(titles, run.title)
				}
			}
		}
	}
	if len(cases) == 0 && len(titles) == 0 {
		answerProblem(w, http.StatusNotFound, fmt.Sprintf("there is no suite %q", s.suite))
		return
	}
	for i, title := range titles {
		add(fmt.Sprintf("%s-%d", s.id, i), title, 3)
	}
	f.suites = append(f.suites, s)
	w.WriteHeader(http.StatusAccepted)
	answer(w, s.shown())
}

// ended is how a run ends in the end.
func (r *fakeRun) ended() string {
	status, _ := r.states[len(r.states)-1]["status"].(string)
	return status
}

func (s *fakeSuite) shown() map[string]any {
	counts := map[string]int{"total": len(s.runs)}
	status := "completed"
	for _, run := range s.runs {
		counts[run.ended()]++
		if run.ended() != "completed" {
			status = run.ended()
		}
	}
	return map[string]any{
		"suiteRunId": s.id, "suiteId": s.suite, "title": s.title, "status": status, "counts": counts, "duration": 61000,
		"createdAt": "2026-01-02T03:04:05Z",
	}
}

func (f *fakeAPI) listSuiteRuns(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil {
		answerProblem(w, http.StatusUnprocessableEntity, "give a limit")
		return
	}
	suite, title := r.PathValue("suite")+r.URL.Query().Get("suite"), r.URL.Query().Get("title")
	items := []any{}
	for _, s := range slices.Backward(f.suites) {
		if len(items) < limit && (suite == "" || s.suite == suite) && (title == "" || s.title == title) {
			items = append(items, s.shown())
		}
	}
	answer(w, map[string]any{"items": items})
}

func (f *fakeAPI) find(w http.ResponseWriter, r *http.Request) *fakeSuite {
	for _, s := range f.suites {
		if s.id == r.PathValue("id") {
			return s
		}
	}
	answerProblem(w, http.StatusNotFound, fmt.Sprintf("there is no suite run %q", r.PathValue("id")))
	return nil
}

func (f *fakeAPI) suiteRun(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.find(w, r); s != nil {
		answer(w, s.shown())
	}
}

func (f *fakeAPI) runsOfSuite(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(w, r)
	if s == nil {
		return
	}
	offset, err := strconv.Atoi(r.URL.Query().Get("offset"))
	if err != nil {
		answerProblem(w, http.StatusUnprocessableEntity, "give an offset")
		return
	}
	items := []any{}
	for _, run := range s.runs[min(offset, len(s.runs)):min(offset+200, len(s.runs))] {
		items = append(items, map[string]any{
			"testRunId": run.id, "testCaseId": "case-of-" + run.id, "title": run.title, "status": run.states[run.at]["status"], "totalSteps": 3,
		})
	}
	answer(w, map[string]any{"items": items})
}

func (f *fakeAPI) cancelSuite(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.find(w, r); s != nil {
		s.cancelled = true
		for _, run := range s.runs {
			run.cancelled = true
		}
		w.WriteHeader(http.StatusAccepted)
	}
}

func (f *fakeAPI) save(w http.ResponseWriter, r *http.Request) {
	var body any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		answerProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.saved[r.URL.Path] = body
	answer(w, map[string]any{})
}

func (f *fakeAPI) listSuites(w http.ResponseWriter, r *http.Request) {
	items := []any{}
	if r.URL.Query().Get("after") == "" {
		items = append(items, map[string]any{
			"suiteId": "smoke", "title": "Smoke", "suite": map[string]any{"cases": []string{"a", "b"}}, "updatedAt": "2026-01-02T03:04:05Z",
		})
	}
	answer(w, map[string]any{"items": items})
}
