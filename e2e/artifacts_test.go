package e2e_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// signInCase types a password, and then asks for what is not there.
const signInCase = `{"title": "Signs in and gets lost", "timeout": 3000, "steps": [
	{"type": "navigate", "url": "/login"},
	{"type": "change", "selectors": [["#email"]], "value": "demo@spice.example"},
	{"type": "change", "selectors": [["#password"]], "value": "canary-in-the-field"},
	{"type": "click", "selectors": [["aria/Sign in[role=\"button\"]"]]},
	{"type": "click", "selectors": [["#never-there"]], "timeout": 500}]}`

type artifactSeen struct {
	ID          string `json:"id"`
	Kind        string `json:"kind"`
	Attempt     int    `json:"attempt"`
	Step        int    `json:"step"`
	ContentType string `json:"contentType"`
	Bytes       int    `json:"bytes"`
	SHA256      string `json:"sha256"`
	Note        string `json:"note"`
	Download    string `json:"download"`
	Viewer      string `json:"viewer"`
}

func (s *stack) artifacts(t *testing.T, runID string) []artifactSeen {
	t.Helper()
	return listed[artifactSeen](t, s, "/api/test-runs/"+runID+"/artifacts")
}

// download follows a link as a browser does: without the key.
func (s *stack) download(t *testing.T, link string, header ...string) (int, http.Header, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.API+strings.TrimPrefix(link, s.API), http.NoBody)
	require.NoError(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, answer.Header, body
}

// TestFailedRunLeavesArtifacts looks at a failed run as the person does who has to find out why.
func TestFailedRunLeavesArtifacts(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	accepted := s.submit(t, signInCase, map[string]any{"attempts": 1, "config": map[string]any{
		"baseUrl": s.Shop, "artifacts": map[string]string{"trace": "on-failure", "har": "on-failure", "console": "on", "network": "on"},
	}})
	require.Equal(t, "failed", s.awaitEnd(t, accepted.TestRunID, soon).Status)

	list := s.artifacts(t, accepted.TestRunID)
	kinds := make([]string, len(list))
	for i, a := range list {
		kinds[i] = a.Kind
	}
	for _, kind := range []string{"dom", "screenshot", "network", "trace", "har"} {
		require.Contains(t, kinds, kind)
	}
	for _, a := range list {
		code, header, body := s.download(t, a.Download)
		require.Equal(t, http.StatusOK, code, a.Kind)
		require.Equal(t, a.ContentType, header.Get("Content-Type"))
		require.Len(t, body, a.Bytes)
		sum := sha256.Sum256(body)
		require.Equal(t, a.SHA256, hex.EncodeToString(sum[:]))
		code, _, part := s.download(t, a.Download, "Range", "bytes=1-3")
		require.Equal(t, http.StatusPartialContent, code)
		require.Equal(t, body[1:4], part)
		require.NotContains(t, unzipped(t, a.Kind, body), "canary-in-the-field", a.Kind)
	}

	// The trace opens in Playwright's own viewer, served by the API.
	trace := list[slices.IndexFunc(list, func(a artifactSeen) bool { return a.Kind == "trace" })]
	require.NotEmpty(t, trace.Viewer)
	browser, _ := startNode(t, "playwright-core", "page.cjs", findBrowser())
	viewer := &page{t: t, browser: browser, url: s.API}
	viewer.open(strings.TrimPrefix(trace.Viewer, s.API))
	viewer.sees("text=navigate /login")
	viewer.sees("text=click #never-there")
	viewer.click("text=click #never-there")
	viewer.sees(`iframe.snapshot-visible[name="snapshot"]`)
	viewer.picture("viewer")
	require.Empty(t, viewer.troubles())
	viewer.open("/trace/index.html?trace=" + url.QueryEscape(s.Shop+"/trace.zip"))
	viewer.sees("text=/could not load trace/i")
}

// unzipped is the text of a file, or of those that it has in it.
func unzipped(t *testing.T, kind string, body []byte) string {
	t.Helper()
	if kind != "trace" {
		return string(body)
	}
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	require.NoError(t, err)
	var all bytes.Buffer
	for _, f := range archive.File {
		r, err := f.Open()
		require.NoError(t, err)
		_, err = io.Copy(&all, r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
	}
	return all.String()
}

// TestPassingRunKeepsWhatItWasAskedFor: the defaults keep nothing of a first attempt that passes.
func TestPassingRunKeepsWhatItWasAskedFor(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	plain := s.submit(t, exampleCase(t, "login.json"), nil)
	asked := s.submit(t, exampleCase(t, "login.json"), map[string]any{
		"config": map[string]any{"baseUrl": s.Shop, "artifacts": map[string]string{"screenshot": "on"}},
	})
	require.Equal(t, "completed", s.awaitEnd(t, plain.TestRunID, soon).Status)
	require.Equal(t, "completed", s.awaitEnd(t, asked.TestRunID, soon).Status)
	require.Empty(t, s.artifacts(t, plain.TestRunID))
	steps := s.steps(t, asked.TestRunID)
	require.Len(t, s.artifacts(t, asked.TestRunID), len(steps))
	for _, step := range steps {
		require.NotEmpty(t, step.Screenshot)
	}

	var refused struct {
		Errors []struct {
			Field   string `json:"field"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	body, err := json.Marshal(map[string]any{"testCaseId": "x", "config": map[string]any{"artifacts": map[string]string{"trace": "always"}}})
	require.NoError(t, err)
	s.request(t, http.MethodPost, "/api/test-runs", string(body), http.StatusUnprocessableEntity, &refused)
	require.Equal(t, "config.artifacts.trace", refused.Errors[0].Field)
}
