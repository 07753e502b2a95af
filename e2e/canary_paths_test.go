package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// path is a way of a secret into a run, which ends with a failure that shows that the value came along.
type path struct {
	name string
	// fields are those of the case besides its title and its steps.
	fields map[string]any
	steps  []map[string]any
}

// quietPath is the only one whose failure does not quote the value.
const quietPath = "select what is not there"

// secretPaths are those besides the fields of a page. value names a secret whose value may be in a cookie or a header.
func secretPaths(value string) []path {
	change := func(value string) map[string]any {
		return map[string]any{"type": "change", "selectors": []string{"#t"}, "value": value}
	}
	press := func(selector string) map[string]any {
		return map[string]any{"type": "click", "selectors": []string{selector}}
	}
	soonOver := func(step map[string]any) map[string]any {
		step["timeout"] = 2000
		return step
	}
	otherText := soonOver(customStep("assertText", map[string]any{"selectors": []string{"#out"}, "text": "other"}))
	otherTitle := soonOver(customStep("assertTitle", map[string]any{"title": "other"}))
	stores := []map[string]any{
		{"type": "navigate", "url": "/"},
		customStep("setCookie", map[string]any{"name": "kept", "value": value}),
		customStep("setLocalStorage", map[string]any{"items": map[string]string{"kept": value}}),
	}
	again := map[string]any{"type": "navigate", "url": "/"}
	return []path{
		{"type", nil, []map[string]any{
			customStep("type", map[string]any{"selectors": []string{"#k"}, "text": value}),
			customStep("press", map[string]any{"keys": "Tab"}), otherText,
		}},
		{"select", nil, append(stores[1:3:3], again,
			customStep("select", map[string]any{"selectors": []string{"#s"}, "value": value}), otherText)},
		{quietPath, nil, []map[string]any{soonOver(customStep("select", map[string]any{"selectors": []string{"#s"}, "value": value}))}},
		{"cookie", nil, append(stores[1:3:3], press("#cookie"), otherText)},
		{"local storage", nil, append(stores[1:3:3], press("#stored"), otherTitle)},
		{"prompt", nil, []map[string]any{
			customStep("handleDialog", map[string]any{"promptText": value}), press("#ask"), otherText,
		}},
		{"alert", nil, []map[string]any{change(value), press("#tell"), soonOver(customStep("assertDialog", map[string]any{"message": "other"}))}},
		{"sub-case", nil, []map[string]any{customStep("runCase", map[string]any{
			"variables": map[string]string{"given": value},
			"case":      map[string]any{"title": "inside", "steps": []map[string]any{change("{{given}}"), otherText}},
		})}},
		{"row of data", map[string]any{"data": []map[string]string{{"column": "first"}, {"column": "second"}}, "variables": map[string]string{"more": "and"}}, []map[string]any{
			change("{{column}} {{more}} " + value),
			{"type": "customStep", "name": "assertText", "timeout": 3000, "parameters": map[string]any{"selectors": []string{"#out"}, "text": "first", "match": "contains"}},
		}},
		{"credentials", map[string]any{"config": map[string]any{"httpCredentials": map[string]string{"username": "ada", "password": value}}}, []map[string]any{
			{"type": "navigate", "url": "/private"}, otherText,
		}},
		{"headers", map[string]any{"config": map[string]any{"extraHeaders": map[string]string{"X-Token": value}}}, []map[string]any{press("#headers"), otherText}},
		{"state that is given", map[string]any{"config": map[string]any{"storageState": map[string]any{
			"cookies": []map[string]string{{"name": "kept", "value": value, "domain": "127.0.0.1"}},
		}}}, []map[string]any{press("#cookie"), otherText}},
		// It names no secret itself, and must not tell what the case that logged in was given.
		{"state that is handed on", map[string]any{"config": map[string]any{"storageState": map[string]any{
			"login": map[string]any{"case": map[string]any{"title": "logs in", "steps": stores}},
		}}}, []map[string]any{press("#stored"), otherTitle}},
		{"variable that was read", nil, []map[string]any{
			change(value), customStep("extract", map[string]any{"variable": "read", "from": "title"}),
			soonOver(customStep("assertTitle", map[string]any{"title": "{{read}} and more"})),
		}},
		{"body and headers of a request", nil, []map[string]any{customStep("apiRequest", map[string]any{
			"url": "/said", "method": "POST", "body": "v=" + value, "headers": map[string]string{"X-Token": value}, "contains": "other",
		})}},
		{"answer that is kept", nil, []map[string]any{
			customStep("apiRequest", map[string]any{"url": "/api", "headers": map[string]string{"X-Token": value}, "extract": map[string]string{"variable": "kept", "path": "header.X-Token.0"}}),
			change("{{kept}}"), otherText,
		}},
	}
}

// plainCanaries are those that a header and a cookie can carry as they are.
var plainCanaries = []int{0, 3, 10, 11, 14, 16, 17, 19}

// text is the case of a path.
func (p path) text(t *testing.T, more ...map[string]any) string {
	t.Helper()
	steps := append([]map[string]any{{"type": "navigate", "url": "/"}}, p.steps...)
	document := map[string]any{"title": p.name, "timeout": 20000, "steps": append(steps, more...)}
	maps.Copy(document, p.fields)
	text, err := json.Marshal(document)
	require.NoError(t, err)
	return string(text)
}

// detour is what the paths lead to: runs, and what was said of them in other ways.
type detour struct {
	runs []run
	seen []seen
}

// secretsByEveryPath lets secrets into runs by every path, and lets runs end and be started in the ways that the others
// do not.
func (s *stack) secretsByEveryPath(t *testing.T, fields func() map[string]any) detour {
	t.Helper()
	var d detour
	names := map[string]string{}
	next := 0
	secretName := func() string {
		next++
		return fmt.Sprintf("{{secret.C%d}}", plainCanaries[next%len(plainCanaries)])
	}
	for i := range secretPaths("") {
		p := secretPaths(secretName())[i]
		pictured := fields()
		kept, ok := configOf(t, pictured)["artifacts"].(map[string]string)
		require.True(t, ok)
		kept["screenshot"], kept["video"] = "on", "on"
		r := s.submit(t, p.text(t), pictured)
		names[r.TestRunID] = p.name
		d.runs = append(d.runs, r)
	}

	// A run whose time is up, and one that is cancelled, with the value on the page.
	lasts := map[string]any{"type": "waitForElement", "selectors": []string{"#never"}, "timeout": 60000}
	holds := path{name: "holds a value", steps: []map[string]any{{"type": "change", "selectors": []string{"#t"}, "value": secretName()}}}
	late, never := fields(), fields()
	late["priority"], never["priority"] = "urgent", "urgent"
	configOf(t, late)["timeout"] = 15000
	timedOut, cancelled := s.submit(t, holds.text(t, lasts), late), s.submit(t, holds.text(t, lasts), never)
	d.runs = append(d.runs, timedOut, cancelled)
	await(t, 4*time.Minute, "the last step of the run that is cancelled", func() bool {
		steps := s.steps(t, cancelled.TestRunID)
		return len(steps) == 3 && steps[2].Status == "running"
	})
	s.request(t, http.MethodPost, "/api/test-runs/"+cancelled.TestRunID+"/cancel", "", http.StatusAccepted, nil)

	// A suite, whose config and cases both name secrets.
	shows := path{name: "shows headers", steps: []map[string]any{
		{"type": "click", "selectors": []string{"#headers"}}, customStep("assertText", map[string]any{"selectors": []string{"#out"}, "text": "other"}),
	}}
	body, err := json.Marshal(map[string]any{
		"title": "canaries", "cases": inline(shows.text(t), secretPaths(secretName())[0].text(t)), "attempts": 1, "config": fields()["config"],
		"defaults": map[string]any{"extraHeaders": map[string]string{"X-Token": secretName()}},
	})
	require.NoError(t, err)
	var suite suiteRun
	s.request(t, http.MethodPost, "/api/suite-runs", string(body), http.StatusAccepted, &suite)

	// A job that a client of the queue adds, and one that the command line starts.
	id := "canary-" + uuid.NewString()[:8]
	stored := secretPaths(secretName())[0]
	stored.fields = map[string]any{"baseUrl": s.Shop}
	s.request(t, http.MethodPut, "/api/test-cases/"+id, stored.text(t), http.StatusCreated, nil)
	added := newRunID()
	newClient(t, s.Redis, "bullmq6", "test-execution").add(id, added, map[string]any{"attempts": 1})
	file := filepath.Join(t.TempDir(), "case.json")
	require.NoError(t, os.WriteFile(file, []byte(secretPaths(secretName())[8].text(t)), 0o600))
	for _, output := range []string{"table", "json"} {
		code, out, progress := s.command(t, "run", file, "--base-url", s.Shop, "--attempts", "1", "--output", output)
		require.Equal(t, 1, code, out+progress)
		require.Contains(t, out+progress, "•••")
		d.seen = append(d.seen, seen{"command line", out + progress})
	}

	var lost []string // paths on which the value did not come along
	for _, r := range d.runs {
		ended := s.awaitEnd(t, r.TestRunID, 4*time.Minute)
		switch r.TestRunID {
		case cancelled.TestRunID:
			require.Equal(t, "cancelled", ended.Status)
			require.Contains(t, s.everyArtifact(t, r.TestRunID), "•••", "what a cancelled run leaves")
		case timedOut.TestRunID:
			require.Equal(t, "failed", ended.Status)
			require.Contains(t, s.everyArtifact(t, r.TestRunID), "•••", "what a run leaves whose time is up")
		default:
			name := names[r.TestRunID]
			if ended.Status != "failed" || name != quietPath && !strings.Contains(ended.Error, "•••") {
				lost = append(lost, name+": "+ended.Status+", "+ended.Error)
			}
		}
	}
	require.Empty(t, lost)
	s.awaitSuite(t, suite.SuiteRunID)
	for _, r := range s.runsOf(t, suite.SuiteRunID) {
		require.Contains(t, r.Error, "•••")
		d.runs = append(d.runs, r)
	}
	await(t, time.Minute, "the run of the job that was added", func() bool {
		found, err := s.store.Run(t.Context(), added)
		return err == nil && found.Status == "failed"
	})
	require.Contains(t, s.run(t, added).Error, "•••")
	d.runs = append(d.runs, run{TestRunID: added})
	for _, r := range d.runs {
		for _, of := range []string{"", "/steps", "/artifacts"} {
			d.seen = append(d.seen, seen{"API", s.answer(t, "/api/test-runs/"+r.TestRunID+of)})
		}
	}
	for _, list := range []string{"/api/test-runs", "/api/suite-runs/" + suite.SuiteRunID, "/api/suite-runs/" + suite.SuiteRunID + "/runs", "/api/dead-letters", "/api/test-cases/" + id} {
		d.seen = append(d.seen, seen{"API", s.answer(t, list)})
	}
	return d
}

// configOf is the config in the fields of a request.
func configOf(t *testing.T, fields map[string]any) map[string]any {
	t.Helper()
	config, ok := fields["config"].(map[string]any)
	require.True(t, ok)
	return config
}

// answer is what the API says.
func (s *stack) answer(t *testing.T, path string) string {
	t.Helper()
	var text json.RawMessage
	s.request(t, http.MethodGet, path, "", http.StatusOK, &text)
	return string(text)
}

// everyArtifact is the text of all files of a run.
func (s *stack) everyArtifact(t *testing.T, id string) string {
	t.Helper()
	var all strings.Builder
	for _, a := range s.artifacts(t, id) {
		if a.Bytes > 0 {
			_, _, body := s.download(t, a.Download)
			all.WriteString(unzipped(t, a.Kind, body))
		}
	}
	return all.String()
}
