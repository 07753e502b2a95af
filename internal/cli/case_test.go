package cli_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

// folder is one with these files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

const login = `{"title": "Log in", "steps": [{"type": "click", "selector": "#in", "tool": 1.50}]}`

func TestLint(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"good.json":      `{"title": "t", "steps": [{"type": "customStep", "name": "runCase", "parameters": {"file": "sub/login.json"}}]}`,
		"sub/login.json": login,
		"bad.json":       "{\"title\": \"t\",\n\"steps\": [{\"type\": \"click\"}]}",
		"lost.json":      `{"title": "t", "steps": [{"type": "customStep", "name": "runCase", "parameters": {"file": "nowhere.json"}}]}`,
		"loop.json":      `{"title": "t", "steps": [{"type": "customStep", "name": "runCase", "parameters": {"file": "loop.json"}}]}`,
	})
	lint := func(o cli.LintOptions, names ...string) (string, int) {
		var out bytes.Buffer
		o.Stdout = &out
		for _, name := range names {
			o.Paths = append(o.Paths, filepath.Join(dir, name))
		}
		code, err := cli.Lint(o)
		require.NoError(t, err)
		return out.String(), code
	}
	for name, test := range map[string]struct {
		says string
		code int
	}{
		"good.json":      {"1 file checked, nothing to say.\n", cli.ExitPassed},
		"bad.json":       {"bad.json:2: error: step 1 (click): selectors is missing: give at least one selector\n", cli.ExitUsage},
		"sub":            {"sub/login.json:1: warning: step 1 (click): tool is not known and has no effect\n", cli.ExitPassed},
		"lost.json":      {"lost.json: error: nowhere.json: no such file or folder\n", cli.ExitUsage},
		"loop.json":      {"do they run each other?\n", cli.ExitUsage},
		"not-there.json": {"not-there.json: error: no such file or folder\n", cli.ExitUsage},
	} {
		says, code := lint(cli.LintOptions{}, name)
		require.Contains(t, says, test.says)
		require.Equal(t, test.code, code, name)
	}
	_, code := lint(cli.LintOptions{Strict: true}, "sub")
	require.Equal(t, cli.ExitUsage, code)

	says, code := lint(cli.LintOptions{JSON: true}, "good.json", "bad.json")
	require.Equal(t, cli.ExitUsage, code)
	require.JSONEq(t, `{"files": 2, "findings": [{"file": `+quoted(t, filepath.Join(dir, "bad.json"))+`, "line": 2, "step": 1, "action": "click", "field": "selectors",
		"path": "steps[0].selectors", "level": "error", "message": "is missing: give at least one selector"}]}`, says)
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	text, err := json.Marshal(s)
	require.NoError(t, err)
	return string(text)
}

func TestSaveAndExport(t *testing.T) {
	t.Parallel()
	stored := map[string]string{}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer key":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodPut:
			body, err := io.ReadAll(r.Body)
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			stored[r.URL.Path] = string(body)
			_, _ = io.WriteString(w, `{}`)
		case stored[r.URL.Path] == "":
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"code": "not_found", "title": "Not found", "detail": "there is no such test case"}`)
		default:
			_, _ = io.WriteString(w, `{"testCaseId": "x", "case": `+stored[r.URL.Path]+`}`)
		}
	}))
	t.Cleanup(api.Close)
	dir := folder(t, map[string]string{
		"whole.json":     `{"title": "Whole", "x": {"big": 12345678901234567890, "f": 1.50}, "config": {"storageState": {"login": {"file": "sub/login.json"}}}, "steps": [{"type": "customStep", "name": "runCase", "parameters": {"file": "sub/login.json"}}]}`,
		"sub/login.json": login,
		"bad.json":       `{}`,
	})
	var out bytes.Buffer
	o := cli.CaseOptions{APIURL: api.URL, APIKey: "key", Stdout: &out}
	require.NoError(t, cli.Save(t.Context(), o, "login", filepath.Join(dir, "sub", "login.json")))
	require.Equal(t, "Log in is stored as login.\n", out.String())
	out.Reset()
	require.NoError(t, cli.Export(t.Context(), o, "login"))
	require.JSONEq(t, login, out.String())
	require.Contains(t, out.String(), `"tool": 1.50`, "numbers stay as they were written")
	out.Reset()
	require.NoError(t, cli.Export(t.Context(), o, filepath.Join(dir, "whole.json")))
	require.Contains(t, out.String(), "12345678901234567890")

	require.NoError(t, cli.Save(t.Context(), o, "whole", filepath.Join(dir, "whole.json")))
	require.JSONEq(t, `{"title": "Whole", "x": {"big": 12345678901234567890, "f": 1.50}, "config": {"storageState": {"login": {"case": `+login+`}}},
		"steps": [{"type": "customStep", "name": "runCase", "parameters": {"case": `+login+`}}]}`, stored["/api/test-cases/whole"])

	for _, err := range []error{
		cli.Export(t.Context(), o, "nothing"), cli.Export(t.Context(), o, filepath.Join(dir, "bad.json")), cli.Save(t.Context(), o, "x", filepath.Join(dir, "bad.json")),
	} {
		require.Error(t, err)
		require.Equal(t, cli.ExitUsage, cli.CodeOf(err), err.Error())
	}
	o.APIKey = "other"
	require.Equal(t, cli.ExitPlatform, cli.CodeOf(cli.Export(t.Context(), o, "login")))
}
