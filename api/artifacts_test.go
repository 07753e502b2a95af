package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/store"
)

// listed is an artifact as clients read it.
type listed struct {
	ID, Kind, ContentType, SHA256, Note, Download, Viewer string
	Attempt, Step                                         int
	Bytes                                                 int64
}

// keep gives the run some artifacts and returns how they are listed.
func (b bundle) keep(t *testing.T, kept ...store.Artifact) []listed {
	t.Helper()
	for i := range kept {
		kept[i].ID, kept[i].RunID, kept[i].ContentType = uuid.NewString(), "run-1", kept[i].Kind.ContentType()
	}
	b.records.kept = kept
	var list struct{ Items []listed }
	w := b.get(t, "/api/test-runs/run-1/artifacts", "Authorization", "Bearer "+key)
	require.Equal(t, http.StatusOK, w.Code)
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &list))
	require.Len(t, list.Items, len(kept))
	return list.Items
}

func (b bundle) get(t *testing.T, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func TestArtifactsAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.keep(t,
		store.Artifact{Kind: artifact.Screenshot, Attempt: 1, StepNumber: 2, Bytes: 10, SHA256: "abc", Path: "there"},
		store.Artifact{Kind: artifact.Trace, Attempt: 2, Bytes: 10, Path: "there"},
		store.Artifact{Kind: artifact.Video, Attempt: 2, Note: "not kept: too large"},
	)
	require.Equal(t, []any{"screenshot", 1, 2, "image/png", int64(10), "abc", ""},
		[]any{list[0].Kind, list[0].Attempt, list[0].Step, list[0].ContentType, list[0].Bytes, list[0].SHA256, list[0].Viewer})
	require.Equal(t, "/trace/index.html?trace="+url.QueryEscape(list[1].Download), list[1].Viewer)
	require.Equal(t, []string{"not kept: too large", ""}, []string{list[2].Note, list[2].Download})

	code, p := b.send(t, http.MethodGet, "/api/test-runs/run-1/artifacts/"+list[2].ID, "")
	require.Equal(t, http.StatusNotFound, code)
	require.Contains(t, p.Detail, "not kept: too large")
}

func TestLinksOpenTheirFileOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.keep(t, store.Artifact{Kind: artifact.DOM, Path: "there"}, store.Artifact{Kind: artifact.DOM, Path: "there"})
	require.Equal(t, http.StatusOK, b.get(t, list[0].Download).Code)
	link, err := url.Parse(list[0].Download)
	require.NoError(t, err)
	query := link.Query()
	change := func(name, value string) string {
		q := copied(query)
		q.Set(name, value)
		return link.Path + "?" + q.Encode()
	}
	for name, target := range map[string]string{
		"no signature":      link.Path,
		"another file":      "/api/test-runs/run-1/artifacts/" + list[1].ID + "?" + link.RawQuery,
		"another run":       strings.Replace(list[0].Download, "run-1", "run-2", 1),
		"longer":            change("expires", query.Get("expires")+"0"),
		"expired":           change("expires", "1000"),
		"another signature": change("signature", strings.Repeat("A", 43)),
		"the list":          "/api/test-runs/run-1/artifacts?" + link.RawQuery,
		"a run":             "/api/test-runs/run-1?" + link.RawQuery,
	} {
		require.Equal(t, http.StatusUnauthorized, b.get(t, target).Code, name)
	}
}

func copied(values url.Values) url.Values {
	same := url.Values{}
	for name := range values {
		same.Set(name, values.Get(name))
	}
	return same
}

func TestFilesAreServedInPartsAndHarmless(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.keep(t,
		store.Artifact{Kind: artifact.DOM, Attempt: 1, StepNumber: 3, SHA256: "abc", Path: "there"},
		store.Artifact{Kind: artifact.Trace, Attempt: 2, Path: "there"},
		store.Artifact{Kind: artifact.Video, Attempt: 1, Path: "gone"},
	)
	w := b.get(t, list[0].Download)
	require.Equal(t, "0123456789", w.Body.String())
	require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	require.Equal(t, `inline; filename="run-1-attempt-1-step-3.html"`, w.Header().Get("Content-Disposition"))
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "sandbox; default-src 'none'")
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	require.Equal(t, `"abc"`, w.Header().Get("ETag"))

	w = b.get(t, list[0].Download, "Range", "bytes=2-4")
	require.Equal(t, http.StatusPartialContent, w.Code)
	require.Equal(t, "234", w.Body.String())
	require.Equal(t, "bytes 2-4/10", w.Header().Get("Content-Range"))
	require.Equal(t, http.StatusRequestedRangeNotSatisfiable, b.get(t, list[0].Download, "Range", "bytes=20-").Code)
	require.Equal(t, http.StatusNotModified, b.get(t, list[0].Download, "If-None-Match", `"abc"`).Code)

	require.Equal(t, `attachment; filename="run-1-attempt-2-trace.zip"`, b.get(t, list[1].Download).Header().Get("Content-Disposition"))
	require.Equal(t, http.StatusNotFound, b.get(t, list[2].Download).Code)
}

func TestTraceViewerIsServedWithoutTheKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for target, want := range map[string]int{"/trace/": 200, "/trace/sw.js": 200, "/trace/other.js": 404, "/trace/../api/test-runs": 404} {
		w := b.get(t, target)
		require.Equal(t, want, w.Code, target)
		if want == http.StatusOK {
			require.Contains(t, w.Header().Get("Content-Security-Policy"), "connect-src 'self'")
		}
	}
	missing := newHandler(b, nil)
	w := missing.get(t, "/trace/index.html")
	require.Equal(t, http.StatusNotFound, w.Code)
	require.Contains(t, w.Body.String(), "cinnamon browser install")
	list := missing.keep(t, store.Artifact{Kind: artifact.Trace, Path: "there"})
	require.Empty(t, list[0].Viewer)
}

func viewerFiles() fstest.MapFS {
	return fstest.MapFS{"index.html": {Data: []byte("<p>viewer</p>")}, "sw.js": {Data: []byte("1")}}
}
