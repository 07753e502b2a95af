package activities_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/store"
)

// save stores a case.
func (b *bundle) save(id, definition string) {
	b.t.Helper()
	_, err := b.records.SaveCase(b.t.Context(), store.TestCase{ID: id, Title: id, Definition: []byte(definition)})
	require.NoError(b.t, err)
}

func descriptionsOf(steps []store.Step) []string {
	list := make([]string, len(steps))
	for i, s := range steps {
		list[i] = s.Description
	}
	return list
}

func TestSubCasesAreRunInPlace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.save("login", `{"title": "Log in", "variables": {"user": "ada", "role": "admin"}, "steps": [{"type": "change", "selector": "#user", "value": "{{user}}"}]}`)
	id := b.add(`{"title": "T", "steps": [
		{"type": "customStep", "name": "runCase", "parameters": {"id": "login", "variables": {"user": "eve"}}},
		{"type": "click", "selector": "#go"}]}`)
	result := b.attempt(b.input(id, 0))
	require.Equal(t, store.RunCompleted, result.Result.Status)
	require.Equal(t, 3, result.Result.TotalSteps)
	require.Equal(t, []string{"run case login", `Log in › change #user to "{{user}}"`, "click #go"}, descriptionsOf(b.steps(id, 1)))
	require.Len(t, b.script.opened, 1)
}

func TestRowsHaveSessionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(`{"title": "T", "variables": {"size": "s"}, "data": [{"name": "mug"}, {"name": "pot", "size": "l"}],
		"steps": [{"type": "navigate", "url": "/{{name}}"}, {"type": "click", "selector": "#buy"}]}`)
	b.script.steps = map[int]outcome{}
	result := b.attempt(b.input(id, 0))
	require.Equal(t, store.RunCompleted, result.Result.Status)
	require.Equal(t, 4, result.Result.CompletedSteps)
	require.Equal(t, []string{"row 1 › navigate /{{name}}", "row 1 › click #buy", "row 2 › navigate /{{name}}", "row 2 › click #buy"}, descriptionsOf(b.steps(id, 1)))
	require.Len(t, b.script.opened, 2)
	require.Equal(t, map[string]string{"name": "mug", "size": "s"}, b.script.opened[0].Variables)
	require.Equal(t, map[string]string{"name": "pot", "size": "l"}, b.script.opened[1].Variables)
	require.Equal(t, 2, b.script.closed)
}

func TestFailingRowIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(`{"title": "T", "data": [{"name": "mug"}, {"name": "pot"}], "steps": [{"type": "navigate", "url": "/{{name}}"}, {"type": "click", "selector": "#buy"}]}`)
	b.script.fails = map[int]map[int]outcome{2: {2: fails(browser.NotFound, "no element matches any of: #buy")}}
	result := b.attempt(b.input(id, 0))
	require.Equal(t, "step 4 (row 2 › click #buy): no element matches any of: #buy", result.Result.Error)
	require.Equal(t, 3, result.Result.CompletedSteps)
}

func TestSuiteCountsWhereTheCaseSaysNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.save("login", `{"title": "Log in", "steps": [{"type": "click", "selector": "#in"}]}`)
	b.suite = json.RawMessage(`{"baseUrl": "http://suite", "locale": "de-DE", "colorScheme": "dark", "httpCredentials": {"username": "lab", "password": "{{secret.LAB}}"},
		"storageState": {"login": {"id": "login"}}}`)
	id := b.add(`{"title": "T", "config": {"locale": "fr"}, "steps": [{"type": "click", "selector": "#go"}]}`)
	result := b.attempt(b.input(id, 0))
	require.Equal(t, store.RunCompleted, result.Result.Status)
	require.Len(t, b.script.opened, 2, "to log in, and to test")
	for _, o := range b.script.opened {
		require.Equal(t, []string{"fr", "dark", "lab", "{{secret.LAB}}"}, []string{o.Config.Locale, o.Config.ColorScheme, o.Config.HTTPUsername, o.Config.HTTPPassword})
		require.Equal(t, "http://suite", o.BaseURL)
	}
}

func TestPlansThatCannotBeRunAreFinal(t *testing.T) {
	t.Parallel()
	run := func(parameters string) string {
		return `{"title": "T", "steps": [{"type": "customStep", "name": "runCase", "parameters": ` + parameters + `}]}`
	}
	for name, test := range map[string]struct{ definition, words string }{
		"no such case":  {run(`{"id": "nothing"}`), `step 1 (runCase): parameters name the test case "nothing", which does not exist`},
		"invalid case":  {run(`{"id": "broken"}`), `which is not valid: title is missing`},
		"runs itself":   {run(`{"id": "itself"}`), "do they run each other?"},
		"no such login": {`{"title": "T", "config": {"storageState": {"login": {"id": "nothing"}}}, "steps": [{"type": "scroll"}]}`, `config.storageState.login names the test case "nothing", which does not exist`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.save("broken", `{"steps": []}`)
			b.save("itself", run(`{"id": "itself"}`))
			result := b.attempt(b.input(b.add(test.definition), 0))
			require.True(t, result.Finished)
			require.Equal(t, store.RunFailed, result.Result.Status)
			require.Contains(t, result.Result.Error, test.words)
			require.Empty(t, b.script.opened)
		})
	}
}

func TestLogInOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.save("login", `{"title": "Log in", "steps": [{"type": "change", "selector": "#user", "value": "ada"}]}`)
	id := b.add(`{"title": "T", "config": {"storageState": {"login": {"id": "login"}}}, "data": [{"n": 1}, {"n": 2}, {"n": 3}],
		"steps": [{"type": "click", "selector": "#buy"}]}`)
	require.Equal(t, store.RunCompleted, b.attempt(b.input(id, 0)).Result.Status)
	states := make([]browser.State, len(b.script.opened))
	for i, o := range b.script.opened {
		states[i] = o.State
	}
	require.Equal(t, []browser.State{nil, "left by session 1", "left by session 1", "left by session 1"}, states)
	require.Equal(t, []string{"change", "click", "click", "click"}, b.script.done)
	require.Equal(t, 4, b.script.closed)
	require.Len(t, b.steps(id, 1), 3, "logging in is no step of the case")
}

func TestLogInThatFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.script.steps = map[int]outcome{1: fails(browser.Assertion, "wrong password")}
	id := b.add(`{"title": "T", "config": {"storageState": {"login": {"case": {"title": "Log in", "steps": [{"type": "click", "selector": "#in"}]}}}},
		"steps": [{"type": "click", "selector": "#buy"}]}`)
	result := b.attempt(b.input(id, 0))
	require.Equal(t, store.RunFailed, result.Result.Status)
	require.Equal(t, `logging in with "Log in", step 1 (click #in): wrong password`, result.Result.Error)
	require.Equal(t, 1, b.script.closed)
}

// Whatever a case and a page say, what goes into the history stays small.
func TestResultStaysSmall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	steps := slices.Repeat([]string{`{"type": "click", "selector": "text/` + strings.Repeat("ö", 3000) + `"}`}, 100)
	b.script.steps = map[int]outcome{100: fails(browser.Assertion, strings.Repeat("→", 100_000))}
	result := b.attempt(b.input(b.add(`{"title": "T", "steps": [`+strings.Join(steps, ",")+`]}`), 0))
	require.Equal(t, 100, result.Result.TotalSteps)
	payload, err := json.Marshal(result)
	require.NoError(t, err)
	require.Less(t, len(payload), 32<<10)
}
