package e2e_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"
)

// control is typed where the canaries are, and is no secret: the search must find it.
const control = "control-value-7Qx"

// canaries are the values of secrets C0, C1 …, each of which must not get anywhere.
var canaries = []string{
	"canary-plain-aa71", `canary"quoted"'bb72'`, `<canary&">cc73</canary>`, "canary with spaces dd74", "canary\nof two lines ee75", "canary-日本語-ff76",
	"canary-🙂-gg77", "100%canary%41%zz-hh78", `canary\back\slash-ii79`, `{"canary":"json,jj80"}`, "canary.*+?(kk81)[x]{2}|^$", "Y2FuYXJ5LWxsODI=",
	strings.Repeat("long-canary-mm83-", 40), "q7#Z", "canary+plus+nn84", "canary&amp;lt;oo85", "canary?q=1&r=2#pp86", "CaNaRy-MiXeD-qq87", "canary:colon;semi,rr88", "canary/path/../ss89",
}

const canaryPage = `<!doctype html><meta charset=utf-8><title>echo</title><input id=a><textarea id=t></textarea><input id=p type=password>
<input id=k><select id=s></select><input id=f type=file><button id=cookie>c</button><button id=stored>s</button><button id=ask>a</button>
<button id=tell>t</button><button id=headers>h</button><p id=out></p><p id=raw></p><script>
const echo = v => { document.title = v; out.textContent = v; raw.innerHTML = '<b title="' + v.replaceAll('"', '&quot;') + '">' + v + '</b>';
  console.log('typed', v, JSON.stringify({v})); fetch('/api?q=' + encodeURIComponent(v)); fetch('/move?to=' + encodeURIComponent('/api?r=' + v));
  fetch('/api', {method: 'POST', body: JSON.stringify({v})}); document.cookie = 'echo=' + encodeURIComponent(v); localStorage.echo = v; };
t.oninput = () => echo(t.value); f.onchange = async () => echo(await f.files[0].text());
k.onchange = () => echo(k.value); s.onchange = () => echo(s.value); cookie.onclick = () => echo(document.cookie);
stored.onclick = () => echo(localStorage.kept); ask.onclick = () => echo(prompt('what?')); tell.onclick = () => alert(t.value);
headers.onclick = async () => echo((await (await fetch('/api')).json()).header['X-Token'].join()); if (localStorage.kept) s.add(new Option(localStorage.kept));
document.querySelector('#a').onchange = e => history.replaceState({}, '', '?u=' + e.target.value);
</script>`

func canarySite(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(canaryPage)) })
	mux.HandleFunc("/api", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"query": r.URL.RawQuery, "asked": r.URL.Query(), "header": r.Header})
	})
	mux.HandleFunc("/said", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		_, _ = fmt.Fprintf(w, "%s %s", r.Header.Get("X-Token"), body)
	})
	mux.HandleFunc("/private", func(w http.ResponseWriter, r *http.Request) {
		if _, _, given := r.BasicAuth(); !given {
			w.Header().Set("WWW-Authenticate", `Basic realm="private"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprintf(w, "<p id=out>%s</p>", html.EscapeString(r.Header.Get("Authorization")))
	})
	mux.HandleFunc("/move", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.ReplaceAll(r.URL.Query().Get("to"), "\n", "%0A"), http.StatusFound)
	})
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	return site.URL
}

func customStep(name string, parameters map[string]any) map[string]any {
	return map[string]any{"type": "customStep", "name": name, "parameters": parameters}
}

func canaryCase(t *testing.T, title string, steps ...map[string]any) string {
	t.Helper()
	steps = append([]map[string]any{{"type": "navigate", "url": "/"}}, steps...)
	text, err := json.Marshal(map[string]any{"title": title, "timeout": 20000, "steps": steps})
	require.NoError(t, err)
	return string(text)
}

// put are steps that put a value, as a case names it, wherever one can.
func put(value string) []map[string]any {
	return []map[string]any{
		customStep("setVariable", map[string]any{"variable": "kept", "value": value}),
		{"type": "change", "selectors": []string{"#t"}, "value": value},
		{"type": "change", "selectors": []string{"#p"}, "value": "{{kept}}"},
		{"type": "change", "selectors": []string{"#a"}, "value": value},
		customStep("uploadFile", map[string]any{"selectors": []string{"#f"}, "files": []map[string]string{{"name": "f.txt", "text": value}}}),
		customStep("setLocalStorage", map[string]any{"items": map[string]string{"item": value}}),
		customStep("apiRequest", map[string]any{"url": "/api", "method": "POST", "json": map[string]string{"x": value}}),
		customStep("extract", map[string]any{"variable": "read", "from": "title"}),
	}
}

// lastSteps are ways to fail with a value in hand, each of which quotes it.
func lastSteps(value string) []map[string]any {
	return []map[string]any{
		customStep("assertText", map[string]any{"selectors": []string{"#out"}, "text": "nothing of the kind"}),
		customStep("assertText", map[string]any{"selectors": []string{"title"}, "text": value + "?"}),
		customStep("assertValue", map[string]any{"selectors": []string{"#t"}, "value": "other"}),
		customStep("assertAttribute", map[string]any{"selectors": []string{"#raw b"}, "attribute": "title", "value": "other"}),
		customStep("assertTitle", map[string]any{"title": "other"}),
		customStep("assertUrl", map[string]any{"url": "other", "match": "contains"}),
		customStep("apiRequest", map[string]any{"url": "/api", "json": map[string]string{"x": value}, "method": "POST", "contains": value + "!"}),
		customStep("waitForResponse", map[string]any{"url": value + "-never", "match": "contains"}),
		{"type": "waitForExpression", "expression": value + " === 1"},
		{"type": "navigate", "url": "http://127.0.0.1:1/?q=" + value},
		{"type": "click", "selectors": []string{"text/" + value + "-"}},
		customStep("press", map[string]any{"keys": value + "-"}),
		customStep("extract", map[string]any{"variable": "x", "from": "expression", "expression": "document.title", "pattern": "never this"}),
	}
}

// failing are steps that type a value and then fail in one of the ways.
func failing(value string, way map[string]any) []map[string]any {
	way["timeout"] = 1500
	return []map[string]any{{"type": "change", "selectors": []string{"#t"}, "value": value}, way}
}

// seen is a place and all of what is written there.
type seen struct{ place, text string }

// everywhere collects what the system has written of runs.
func (s *stack) everywhere(t *testing.T) []seen {
	t.Helper()
	var all []seen
	add := func(place, text string) { all = append(all, seen{place, text}) }

	// Temporal: the histories as they are, and what is in their payloads.
	listed, err := s.client.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{PageSize: 500})
	require.NoError(t, err)
	for _, execution := range listed.GetExecutions() {
		text, err := protojson.Marshal(execution)
		require.NoError(t, err)
		add("temporal", string(text))
		events := s.client.GetWorkflowHistory(t.Context(), execution.GetExecution().GetWorkflowId(), execution.GetExecution().GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			require.NoError(t, err)
			text, err := protojson.Marshal(event)
			require.NoError(t, err)
			add("temporal", string(text))
			for data := range payloadsIn(event.ProtoReflect()) {
				add("temporal", string(data.GetData()))
			}
		}
		answer, err := s.client.QueryWorkflow(t.Context(), execution.GetExecution().GetWorkflowId(), execution.GetExecution().GetRunId(), "__temporal_workflow_metadata")
		if err == nil {
			var raw converter.RawValue
			require.NoError(t, answer.Get(&raw))
			add("temporal", string(raw.Payload().GetData()))
		}
	}

	// Redis: every key, whatever it holds.
	options, err := redis.ParseURL(s.Redis)
	require.NoError(t, err)
	db := redis.NewClient(options)
	defer func() { require.NoError(t, db.Close()) }()
	keys := db.Scan(t.Context(), 0, "*", 1000).Iterator()
	for keys.Next(t.Context()) {
		key := keys.Val()
		var value any
		switch db.Type(t.Context(), key).Val() {
		case "string":
			value = db.Get(t.Context(), key).Val()
		case "hash":
			value = db.HGetAll(t.Context(), key).Val()
		case "list":
			value = db.LRange(t.Context(), key, 0, -1).Val()
		case "set":
			value = db.SMembers(t.Context(), key).Val()
		case "zset":
			value = db.ZRange(t.Context(), key, 0, -1).Val()
		case "stream":
			value = db.XRange(t.Context(), key, "-", "+").Val()
		}
		add("redis", key+" "+fmt.Sprint(value))
	}
	require.NoError(t, keys.Err())

	// Postgres: every row of every table.
	conn, err := pgx.Connect(t.Context(), s.Database)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	rows, err := conn.Query(t.Context(), `select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	for _, table := range tables {
		rows, err := conn.Query(t.Context(), `select row::text from `+table+` as row`)
		require.NoError(t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		add("postgres", strings.Join(lines, "\n"))
	}

	add("log", s.dev.output.String())
	return all
}

// spelled are the forms in which a value may have been written.
func spelled(value string) []string {
	quoted, _ := json.Marshal(value)
	inJSON := string(quoted[1 : len(quoted)-1])
	twice, _ := json.Marshal(inJSON)
	goes := strconv.Quote(value)
	list := []string{
		value, inJSON, string(twice[1 : len(twice)-1]), goes[1 : len(goes)-1], html.EscapeString(value), url.QueryEscape(value), url.PathEscape(value),
		strings.ReplaceAll(url.QueryEscape(value), "+", "%20"), hex.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value)),
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(value), strings.Join(strings.Fields(value), " "), strings.ReplaceAll(value, "\n", ""),
	}
	for shift := range 3 {
		if padded := append(make([]byte, shift), value...); len(value) > 8 {
			text := base64.StdEncoding.EncodeToString(padded[:len(padded)/3*3])
			list = append(list, text[(shift*8+5)/6:])
		}
	}
	return list
}

// TestSecretsGetNowhere gives a worker 20 secrets, lets cases put them wherever a case can, in runs of every end, and then
// searches all that the system has written. What is typed the same way without being a secret must be found in each kind
// of place: that shows that the search looks there.
func TestSecretsGetNowhere(t *testing.T) {
	t.Parallel()
	requirePrograms(t)
	folder := t.TempDir()
	environment := []string{"LOG_LEVEL=debug", "CINNAMON_SECRETS_DIR=" + folder, "QUEUE_BACKOFF_DELAY=100ms"}
	program := filepath.Join(t.TempDir(), "vault")
	script := "#!/bin/sh\ncase \"$1\" in\n"
	for i, value := range canaries {
		name := fmt.Sprintf("C%d", i)
		switch i % 3 {
		case 0:
			environment = append(environment, "CINNAMON_SECRET_"+name+"="+value)
		case 1:
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(value), 0o600))
		case 2:
			script += name + ") printf '%s' '" + strings.ReplaceAll(value, "'", `'\''`) + "' ;;\n"
		}
	}
	require.NoError(t, os.WriteFile(program, []byte(script+"*) exit 3 ;;\nesac\n"), 0o700))
	environment = append(environment, "CINNAMON_SECRETS_COMMAND="+program)
	s, err := startStackIn(t.Context(), environment, "--verbose", "--without", "shop")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })
	s.Shop = canarySite(t)

	fields := func() map[string]any {
		kept := map[string]string{}
		for _, kind := range []string{"dom", "console", "network", "trace", "har"} {
			kept[kind] = "on"
		}
		return map[string]any{"attempts": 1, "config": map[string]any{"timeout": 180000, "baseUrl": s.Shop, "artifacts": kept}}
	}
	var runs []run
	var everything []map[string]any
	for i := range canaries {
		value := fmt.Sprintf("{{secret.C%d}}", i)
		everything = append(everything, put(value)...)
		if i%5 == 4 {
			runs = append(runs, s.submit(t, canaryCase(t, fmt.Sprintf("passes %d", i), everything...), fields()))
			everything = nil
		}
	}
	runs = append(runs, s.submit(t, canaryCase(t, control, put(control)...), fields()))
	passing := len(runs)
	for i, way := range lastSteps(control) {
		if i < 1 {
			runs = append(runs, s.submit(t, canaryCase(t, control, failing(control, way)...), fields()))
		}
	}
	for i := range canaries[:len(lastSteps(""))] {
		value := fmt.Sprintf("{{secret.C%d}}", i)
		runs = append(runs, s.submit(t, canaryCase(t, fmt.Sprintf("fails %d", i), failing(value, lastSteps(value)[i])...), fields()))
	}
	detours := s.secretsByEveryPath(t, fields)
	ends := map[string]int{}
	for _, r := range runs {
		ended := s.awaitEnd(t, r.TestRunID, 4*time.Minute)
		ends[ended.Status]++
		t.Log(ended.Status, ended.Error)
	}
	require.Equal(t, map[string]int{"completed": passing, "failed": len(runs) - passing}, ends)

	all := append(s.everywhere(t), detours.seen...)
	for _, r := range append(runs, detours.runs...) {
		for _, a := range s.artifacts(t, r.TestRunID) {
			if a.Bytes > 0 {
				_, _, body := s.download(t, a.Download)
				all = append(all, seen{"artifact " + a.Kind, unzipped(t, a.Kind, body)})
			}
		}
	}
	canaryForms := make([][]string, len(canaries))
	for i, value := range canaries {
		canaryForms[i] = spelled(value)
	}
	found := map[string]bool{}
	leaks := map[string]bool{}
	for _, place := range all {
		if strings.Contains(place.text, control) {
			found[place.place] = true
		}
		for i, forms := range canaryForms {
			for _, form := range forms {
				if at := strings.Index(place.text, form); at >= 0 {
					leaks[fmt.Sprintf("C%d in %s: %q", i, place.place, place.text[max(0, at-60):min(len(place.text), at+len(form)+20)])] = true
				}
			}
		}
	}
	for _, place := range []string{"temporal", "redis", "postgres", "artifact dom", "artifact console", "artifact network", "artifact trace", "artifact har"} {
		require.True(t, found[place], "the search does not look into %s", place)
	}
	for leak := range leaks {
		t.Error(leak)
	}
}
