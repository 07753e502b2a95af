package activities_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// healed is a database, the activities with a real browser, and a site that changes.
type healed struct {
	*bundle
	site  string
	html  atomic.Value
	runs  int
	steps string
}

const oldPage = `<!doctype html><body><nav><a id="orders" href="/orders">Orders</a> <a id="help" href="/help">Help</a></nav><main><h1>Customer</h1>
<p><label for="mail">E-mail address</label> <input id="mail"></p><p><label for="phone">Phone</label> <input id="phone"></p>
<button id="save" class="primary" onclick="document.title='saved ' + document.querySelector('input').value">Save customer</button> <button id="cancel">Cancel</button></main>`

// newPage has other ids, and the same captions.
var newPage = strings.NewReplacer(`id="`, `id="c-`, `for="`, `for="c-`, `class="primary"`, `class="btn-x"`).Replace(oldPage)

func heals(t *testing.T) *healed {
	t.Helper()
	h := &healed{bundle: setup(t)}
	h.cfg.Browsers = browsers(t)
	h.cfg.Rules = artifact.Rules{
		Policies: map[artifact.Kind]artifact.Policy{artifact.Screenshot: artifact.OnFailure}, Limits: map[artifact.Kind]int64{artifact.Screenshot: 1 << 20}, RunLimit: 10 << 20,
	}
	h.config = store.RunConfig{Headless: true, Viewport: store.Viewport{Width: 800, Height: 600}, AdaptiveMode: store.AdaptHeal, MaxAdaptations: 5}
	h.html.Store(oldPage)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, h.html.Load())
	}))
	t.Cleanup(server.Close)
	h.site = server.URL
	h.steps = `{"type": "change", "selectors": "#mail", "value": "ada"}, {"type": "click", "selectors": ["#save", ["main > #save"]]}`
	return h
}

// again runs the case once more, on what the site shows now.
func (h *healed) again(html string) (store.Run, activities.AttemptResult) {
	h.t.Helper()
	h.html.Store(html)
	h.runs++
	definition := fmt.Sprintf(`{"title": "Save", "timeout": 1200, "baseUrl": %q, "steps": [{"type": "navigate", "url": "/"}, %s,
		{"type": "customStep", "name": "assertTitle", "parameters": {"title": "saved ada", "match": "contains"}}]}`, h.site, h.steps)
	id := fmt.Sprintf("run-%d", h.runs)
	now := time.Now().UTC().Truncate(time.Millisecond)
	_, added := queue.New(h.def, id, json.RawMessage(`{}`), queue.Options{Attempts: 1, RemoveOnComplete: 10, RemoveOnFail: 10}, now)
	_, created, err := h.records.CreateRun(h.t.Context(), store.NewRun{
		Run:        store.Run{ID: id, TestCaseID: "save", Title: "Save", MaxAttempts: 1, TotalSteps: 4, WorkflowID: h.def.WorkflowID(id), Config: h.config, CreatedAt: now},
		Definition: json.RawMessage(definition), WorkflowInput: json.RawMessage(`{}`), Added: added,
	})
	require.NoError(h.t, err)
	require.True(h.t, created)
	result := h.attempt(h.input(id, 0))
	return h.run(id), result
}

func (h *healed) adaptations(run store.Run) []store.Adaptation {
	h.t.Helper()
	list, err := h.records.Adaptations(h.t.Context(), run.ID)
	require.NoError(h.t, err)
	return list
}

func (h *healed) sql(query string) {
	h.t.Helper()
	conn, err := pgx.Connect(h.t.Context(), h.database)
	require.NoError(h.t, err)
	defer func() { _ = conn.Close(h.t.Context()) }()
	_, err = conn.Exec(h.t.Context(), query)
	require.NoError(h.t, err)
}

func TestRunsHealAndLearn(t *testing.T) {
	t.Parallel()
	h := heals(t)
	run, _ := h.again(newPage)
	require.Equal(t, store.RunFailed, run.Status, "nobody knows yet what the elements look like")
	require.Equal(t, "step 2 (change #mail to \"ada\"): no element matches any of: #mail", strings.Split(run.Error, " (waited")[0])
	require.Empty(t, h.adaptations(run))

	run, _ = h.again(oldPage)
	require.Equal(t, store.RunCompleted, run.Status, run.Error)

	run, result := h.again(newPage)
	require.Equal(t, store.RunAdapted, run.Status, run.Error)
	require.Equal(t, []int{4, 2}, []int{run.CompletedSteps, run.AdaptedSteps})
	require.Equal(t, []store.StepStatus{"success", "adapted", "adapted", "success"}, statuses(h.bundle.steps(run.ID, 1)))
	list := h.adaptations(run)
	require.Len(t, list, 2)
	save := list[1]
	require.Equal(t, []any{store.AdaptedLocator, true, 3}, []any{save.Type, save.Successful, save.Step.Number})
	require.Equal(t, "#save", save.Evidence.OldLocator)
	require.Equal(t, `aria/[role="button"][name="Save customer"]`, save.Evidence.NewLocator)
	require.Contains(t, save.Reason, "the same caption")
	require.Equal(t, `button "Save customer"`, save.Evidence.Element)
	require.NotEmpty(t, save.Evidence.RunnerUp)
	require.Greater(t, save.Evidence.Confidence, 0.5)
	sum := 0.0
	for _, p := range save.Evidence.Parts {
		sum += p.Contribution
	}
	require.InDelta(t, save.Evidence.Score, sum, 1e-9)
	for _, id := range []string{save.Evidence.Before, save.Evidence.After} {
		_, err := uuid.Parse(id)
		require.NoError(t, err)
		shot, err := h.records.Artifact(t.Context(), run.ID, id)
		require.NoError(t, err)
		require.Contains(t, h.file(shot.Path), "PNG")
	}
	require.Len(t, result.Result.Adaptations, 2)
	require.Contains(t, result.Steps[2].Note, "Save customer")
	require.Equal(t, "save", strings.Split(list[0].TestCaseID, "-")[0])
	require.True(t, strings.HasSuffix(h.site, list[0].Environment))
	var job store.Result
	require.NoError(t, json.Unmarshal(h.job(run.ID).ReturnValue, &job))
	require.Equal(t, result.Result, job)

	began := time.Now()
	run, _ = h.again(newPage)
	require.Equal(t, store.RunAdapted, run.Status, "nobody has approved what the heal taught")
	require.Equal(t, store.AdaptedLearned, h.adaptations(run)[0].Type)
	require.Less(t, run.Duration, time.Since(began))

	h.sql("UPDATE learned_locators SET status = 'promoted', updated_at = now()")
	run, _ = h.again(newPage)
	require.Equal(t, store.RunCompleted, run.Status, run.Error)
	require.Empty(t, h.adaptations(run))
	run, _ = h.again(oldPage)
	require.Equal(t, store.RunCompleted, run.Status, "the old page still passes: %s", run.Error)

	h.sql("DELETE FROM fingerprints WHERE version > 1")
	h.sql("UPDATE learned_locators SET status = 'rejected'")
	for range 2 {
		run, _ = h.again(newPage)
		require.Equal(t, store.RunFailed, run.Status)
		require.Contains(t, run.Error, "people rejected that")
	}
	h.sql(`INSERT INTO learned_locators (test_case_id, environment, step_number, step_hash, selectors, digest, status, created_at, updated_at)
		SELECT test_case_id, environment, step_number, step_hash, json_build_array(selectors->0), '', 'proposed', now(), now() FROM learned_locators`)
	run, _ = h.again(newPage)
	require.Equal(t, store.RunFailed, run.Status, "another heal taught what finds the same element")
}

func TestHealsThatAreNotDone(t *testing.T) {
	t.Parallel()
	without := strings.Replace(oldPage, `<button id="save"`, `<button id="other" hidden`, 1)
	checked := `{"type": "change", "selectors": "#mail", "value": "ada"}, {"type": "waitForElement", "selectors": "#save"}`
	for name, test := range map[string]struct {
		config func(c *store.RunConfig)
		steps  string
		page   string
		error  string
		types  []store.AdaptationType
	}{
		"off":          {config: func(c *store.RunConfig) { c.AdaptiveMode = store.AdaptOff }, page: newPage, error: "step 2"},
		"none allowed": {config: func(c *store.RunConfig) { c.MaxAdaptations = 0 }, page: newPage, error: "step 2"},
		"one allowed": {
			config: func(c *store.RunConfig) { c.MaxAdaptations = 1 }, page: newPage, error: "the run may have 1 adaptations",
			types: []store.AdaptationType{store.AdaptedLocator},
		},
		"suggested": {
			config: func(c *store.RunConfig) { c.AdaptiveMode = store.AdaptSuggest }, page: newPage, error: "suggestion: aria/[role=\"textbox\"][name=\"E-mail address\"]",
			types: []store.AdaptationType{store.AdaptedLocator},
		},
		"gone":    {page: without, error: "nothing was taken in its place", types: []store.AdaptationType{store.AdaptedLocator}},
		"checked": {steps: checked, page: newPage, error: "step 3", types: []store.AdaptationType{store.AdaptedLocator}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := heals(t)
			if test.config != nil {
				test.config(&h.config)
			}
			mode := h.config.AdaptiveMode
			if test.steps != "" {
				h.steps = test.steps + `, {"type": "click", "selectors": "#save"}`
			}
			h.config.AdaptiveMode = store.AdaptHeal
			run, _ := h.again(oldPage)
			require.Equal(t, store.RunCompleted, run.Status, run.Error)
			h.config.AdaptiveMode = mode
			run, _ = h.again(test.page)
			require.Equal(t, store.RunFailed, run.Status)
			require.Contains(t, run.Error, "no element matches any of")
			require.Contains(t, run.Error, test.error)
			var types []store.AdaptationType
			for _, a := range h.adaptations(run) {
				types = append(types, a.Type)
			}
			require.Equal(t, test.types, types)
		})
	}
}

func TestOverlaysAreClosed(t *testing.T) {
	t.Parallel()
	h := heals(t)
	banner := `<div id="over" style="position:fixed;inset:0;background:#ccc">We use cookies. <button onclick="this.parentNode.remove()">Accept all</button></div>`
	h.steps = `{"type": "change", "selectors": "#mail", "value": "ada"}, {"type": "click", "selectors": "#save", "timeout": 2500}`
	run, _ := h.again(oldPage + banner)
	require.Equal(t, store.RunAdapted, run.Status, run.Error)
	list := h.adaptations(run)
	require.Equal(t, store.AdaptedOverlay, list[0].Type)
	require.Contains(t, list[0].Reason, `"Accept all" closed what lay over the element`)

	run, _ = h.again(oldPage + strings.Replace(banner, "We use cookies.", "Delete everything?", 1))
	require.Equal(t, store.RunFailed, run.Status)
	require.Contains(t, run.Error, "neither a consent banner nor an advertisement")
}

// What goes into a workflow's history is small, however much a run adapted.
func TestAdaptationsInHistoryAreBounded(t *testing.T) {
	t.Parallel()
	wide := strings.Repeat("长", 600)
	var steps []store.Step
	var list []store.Adaptation
	for i := range 500 {
		key := store.StepKey{Number: i + 1}
		steps = append(steps, store.Step{Number: key.Number, Description: wide, Status: store.StepAdapted, Error: wide})
		list = append(list, store.Adaptation{
			Step: key, Type: store.AdaptedLocator, Successful: true, Reason: wide, Evidence: store.Evidence{OldLocator: wide, NewLocator: wide, Score: 0.123456789},
		})
	}
	result := activities.Recorded(steps, list, strings.Repeat("长", 2000))
	text, err := json.Marshal(result)
	require.NoError(t, err)
	require.Less(t, len(text), 32<<10)
	require.NotEmpty(t, result.Steps)
	require.NotEmpty(t, result.Result.Adaptations)
	require.InDelta(t, 0.12, result.Result.Adaptations[0].Score, 1e-9)
}
