package testsite

import (
	"embed"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
)

// The laboratory: plain pages on which every kind of step finds something to act on. They are the same in both versions
// of the shop.
//
//go:embed lab
var labFiles embed.FS

// Credentials that /lab/private asks for by HTTP.
const (
	LabUser     = "lab"
	LabPassword = "saffron-2026"
)

const maxLabAnswer = 1 << 20

func labHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/lab/{page}", labPage)
	mux.HandleFunc("/lab/{$}", labPage)
	mux.HandleFunc("/lab/echo", labEcho)
	mux.HandleFunc("/lab/private", labPrivate)
	mux.HandleFunc("/lab/download", labDownload)
	return mux
}

func labPage(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("page")
	if name == "" {
		name = "index"
	}
	if !strings.Contains(name, ".") {
		name += ".html"
	}
	files, err := fs.Sub(labFiles, "lab")
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if name == "index.html" { // the file server sends that name elsewhere
		http.ServeFileFS(w, stripped(r), files, "/")
		return
	}
	http.ServeFileFS(w, r, files, name) //nolint:gosec // nothing outside of an embedded folder can be reached
}

// stripped is the request as the file server wants it for an index page.
func stripped(r *http.Request) *http.Request {
	clone := r.Clone(r.Context())
	clone.URL.Path = "/"
	return clone
}

// labEcho answers with what it was sent, padded to ?size= bytes, with the status ?status=.
func labEcho(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFormBytes))
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	size, _ := strconv.Atoi(r.URL.Query().Get("size"))
	answer := map[string]any{
		"method": r.Method, "query": r.URL.RawQuery, "body": string(body), "cookies": r.Header.Get("Cookie"),
		"headers": r.Header, "items": []any{map[string]any{"id": 7, "name": "mug"}}, "padding": strings.Repeat(".", max(0, min(size, maxLabAnswer))),
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if status, err := strconv.Atoi(r.URL.Query().Get("status")); err == nil && status >= 200 && status < 600 {
		w.WriteHeader(status)
	}
	_ = json.NewEncoder(w).Encode(answer) //nolint:errchkjson // nobody to tell
}

func labPrivate(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	if !ok || user != LabUser || password != LabPassword {
		w.Header().Set("WWW-Authenticate", `Basic realm="lab"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, `<!doctype html><title>Private</title><p id="out">welcome</p>`)
}

func labDownload(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Disposition", `attachment; filename="report-2026.csv"`)
	w.Header().Set("Content-Type", "text/csv")
	_, _ = io.WriteString(w, "spice,grams\nsaffron,5\n")
}
