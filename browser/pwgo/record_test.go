package pwgo_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
)

var everyRecording = []browser.Recording{browser.Trace, browser.Video, browser.HAR, browser.Console, browser.Network}

func recording(kinds ...browser.Recording) func(*browser.Options) {
	return func(o *browser.Options) {
		o.Record = browser.Record{Kinds: kinds, Title: "Sign in", Secrets: []string{"canary-given"}}
	}
}

// finish ends the session and returns its recordings.
func (b bundle) finish(t *testing.T, keep ...browser.Recording) map[browser.Recording]string {
	t.Helper()
	files, err := b.Finish(t.Context(), keep...)
	require.NoError(t, err)
	paths := make(map[browser.Recording]string)
	for _, f := range files {
		paths[f.Kind] = f.Path
	}
	return paths
}

// entries reads a trace.
func entries(t *testing.T, path string) map[string][]byte {
	t.Helper()
	archive, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, archive.Close()) }()
	all := make(map[string][]byte)
	for _, f := range archive.File {
		r, err := f.Open()
		require.NoError(t, err)
		all[f.Name], err = io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

const signIn = `{"type": "change", "selectors": "#name", "value": "Ada"}`

func TestSessionIsRecorded(t *testing.T) {
	t.Parallel()
	requireVideo(t)
	b := setup(t, recording(everyRecording...))
	b.do(t, visit("/record.html"), signIn, says("nothing yet"))
	b.fails(t, browser.NotFound, `{"type": "click", "selectors": "#none", "timeout": 200}`)
	b.do(t, visit("/missing.html"))
	files := b.finish(t, everyRecording...)

	trace := entries(t, files[browser.Trace])
	events := string(trace["trace.trace"])
	require.Contains(t, events, `"title":"Sign in"`)
	require.Contains(t, events, `navigate /record.html`)
	require.Contains(t, events, `change #name to \"Ada\"`)
	require.Contains(t, string(trace["trace.network"]), b.site+"/record.html")
	pictures := 0
	for name := range trace {
		if strings.HasSuffix(name, ".jpeg") {
			pictures++
		}
	}
	require.Positive(t, pictures, "the trace has a film strip")
	require.NotContains(t, events, "record_test.go", "no paths of this program")

	video, err := os.ReadFile(files[browser.Video])
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(video, []byte{0x1a, 0x45, 0xdf, 0xa3}), "a WebM file")

	var archive struct {
		Log struct {
			Entries []struct {
				Request  struct{ URL string }
				Response struct{ Status int }
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, files[browser.HAR])), &archive))
	require.GreaterOrEqual(t, len(archive.Log.Entries), 2)
	require.Equal(t, b.site+"/record.html", archive.Log.Entries[0].Request.URL)
	require.Equal(t, 200, archive.Log.Entries[0].Response.Status)

	require.Contains(t, read(t, files[browser.Console]), "warning the page says hello ("+b.site+"/record.html:")
	network := read(t, files[browser.Network])
	require.Contains(t, network, " 200 GET "+b.site+"/record.html document\n")
	require.Contains(t, network, " 404 GET "+b.site+"/missing.html document\n")

	require.NoError(t, b.Close(t.Context()))
	require.NoFileExists(t, files[browser.Trace], "nothing stays behind")
}

func TestOnlyWhatIsKeptIsWritten(t *testing.T) {
	t.Parallel()
	b := setup(t, recording(browser.Trace, browser.HAR, browser.Console))
	b.do(t, visit("/record.html"))
	require.Len(t, b.finish(t, browser.Console, browser.Video), 1)

	plain := setup(t)
	plain.do(t, visit("/record.html"))
	require.Empty(t, plain.finish(t, everyRecording...))
}

func TestRecordingsOutliveTimeoutsAndCancels(t *testing.T) {
	t.Parallel()
	requireVideo(t)
	for name, spoil := range map[string]func(*testing.T, bundle){
		"a step that is cancelled": func(t *testing.T, b bundle) {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-b.hanging; cancel() }()
			require.ErrorIs(t, b.Do(ctx, parse(t, visit("/hang"))), context.Canceled)
		},
		"a page that hangs": func(t *testing.T, b bundle) {
			t.Helper()
			b.do(t, click("#spin"))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.Error(t, b.Do(ctx, parse(t, says("never"))))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, recording(everyRecording...))
			b.do(t, visit("/record.html"), signIn)
			spoil(t, b)
			began := time.Now()
			files := b.finish(t, everyRecording...)
			t.Log("ended within", time.Since(began))
			require.Less(t, time.Since(began), 10*time.Second)
			require.Contains(t, string(entries(t, files[browser.Trace])["trace.trace"]), `change #name to \"Ada\"`)
			require.Contains(t, read(t, files[browser.HAR]), "/record.html")
			require.Contains(t, read(t, files[browser.Console]), "hello")
			require.Contains(t, read(t, files[browser.Network]), "/record.html")
			require.FileExists(t, files[browser.Video])
		})
	}
}

func TestRecordingsKeepSecretsToThemselves(t *testing.T) {
	t.Parallel()
	b := setup(t, recording(browser.Trace, browser.HAR, browser.Console, browser.Network))
	const password, token = `canary "pass/wörd" & <x>`, "canary-token" // 23 characters that every notation writes differently
	change := func(selector, value string) string {
		text, err := json.Marshal(map[string]any{"type": "change", "selectors": selector, "value": value})
		require.NoError(t, err)
		return string(text)
	}
	b.do(t, visit("/record.html?a=canary-given"), change("#pw", password), change("#token", token), change("#name", "Ada"),
		click("text/Sign in"), says("signed in"))
	html, err := b.DOM(t.Context())
	require.NoError(t, err)
	require.Contains(t, string(html), "•••")
	files := b.finish(t, browser.Trace, browser.HAR, browser.Console, browser.Network)

	texts := map[string]string{"dom": string(html)}
	for kind, path := range files {
		if kind != browser.Trace {
			texts[string(kind)] = read(t, path)
		}
	}
	for name, text := range entries(t, files[browser.Trace]) {
		texts["trace/"+name] = string(text)
	}
	for name, text := range texts {
		if at := strings.Index(text, "canary"); at >= 0 {
			require.Fail(t, "a secret shows", "%s: …%s…", name, text[max(0, at-200):min(len(text), at+200)])
		}
		require.NotContains(t, text, "pass/w", name)
		require.NotContains(t, text, url.QueryEscape("pass/w"), name)
		require.NotContains(t, text, base64.StdEncoding.EncodeToString([]byte("canary"))[:7], name)
	}
	// What is no secret is still there.
	require.Contains(t, texts["trace/trace.trace"], "Ada")
	require.Contains(t, texts["trace/trace.trace"], "sign")
	require.Contains(t, texts["har"], "/echo?pw=•••")
	require.Contains(t, texts["console"], "log signing in with •••")
	require.Contains(t, texts["console"], "uncaught")
	require.Contains(t, texts["network"], "200 POST "+b.site+"/echo?pw=•••")
	require.NotContains(t, strings.Join(keys(texts), " "), filepath.Ext("trace.stacks"))
}

func keys(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	return names
}
