package testsite

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed v1 v2 shared
var designFiles embed.FS

// A design is one look of the shop: its templates, and how its forms call the fields.
type design struct {
	pages  map[string]*template.Template
	fields map[string]string // our name → the form's name, where they differ
}

// renamedFields says what version 2 calls the fields of its forms.
func renamedFields() map[string]string {
	return map[string]string{
		"email":    "customer_mail",
		"password": "customer_secret",
		"name":     "full_name",
		"address":  "street_line",
		"postcode": "zip",
		"city":     "town",
		"country":  "country_code",
		"shipping": "delivery",
		"card":     "pan",
		"expiry":   "valid_thru",
		"terms":    "consent",
		"variant":  "size",
		"quantity": "qty",
		"photo":    "attachment",
	}
}

// loadDesign parses the templates of a version. It panics on a mistake in them, which can only be one of this package.
func loadDesign(version string, fields map[string]string, a *assets) *design {
	funcs := template.FuncMap{
		"asset": a.url,
		"money": money,
		"stars": func(n int) string { return strings.Repeat("★", n) + strings.Repeat("☆", 5-n) },
		"add":   func(a, b int) int { return a + b },
	}
	dir := version + "/templates/"
	layout := template.Must(template.New("layout.html").Funcs(funcs).
		ParseFS(designFiles, dir+"layout.html", dir+"parts.html"))
	files, err := fs.Glob(designFiles, dir+"*.html")
	if err != nil {
		panic(fmt.Sprintf("listing the templates of %s: %v", version, err))
	}
	d := &design{pages: make(map[string]*template.Template), fields: fields}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		d.pages[name] = template.Must(template.Must(layout.Clone()).ParseFS(designFiles, file))
	}
	return d
}

func money(cents int) string { return fmt.Sprintf("€%d.%02d", cents/100, cents%100) }

// A visit is one request: the design that its browser sees, and the session that it may read and change.
type visit struct {
	site    *site
	w       http.ResponseWriter
	r       *http.Request
	design  *design
	session string
}

// A view is what every template gets.
type view struct {
	Path     string
	Customer string // display name, empty while signed out
	Pieces   int    // in the cart
	Regions  []string
	Data     any
}

// render answers with a page in the layout of the design.
func (v *visit) render(status int, name string, data any) { v.execute(status, name, "layout", data) }

// fragment answers with the part of a page that its scripts ask for.
func (v *visit) fragment(name string, data any) { v.execute(http.StatusOK, name, "fragment", data) }

func (v *visit) execute(status int, name, block string, data any) {
	st := v.site.sessions.snapshot(v.session)
	var page bytes.Buffer
	err := v.design.pages[name].ExecuteTemplate(&page, block, view{
		Path: v.r.URL.Path, Customer: st.name, Pieces: st.pieces(), Regions: v.site.catalogue.regions(), Data: data,
	})
	if err != nil {
		http.Error(v.w, "rendering "+name+": "+err.Error(), http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(page.Bytes())
}

func (v *visit) json(status int, body any) {
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	if err := json.NewEncoder(v.w).Encode(body); err != nil {
		return // the client is gone: the status is sent, and nothing can be added to it
	}
}

func (v *visit) redirect(to string) { http.Redirect(v.w, v.r, to, http.StatusSeeOther) }

// wantsJSON tells a script's request from a plain form's.
func (v *visit) wantsJSON() bool { return v.r.Header.Get("Accept") == "application/json" }

// field is the value of a form field, whatever the design calls it.
func (v *visit) field(name string) string {
	return strings.TrimSpace(v.r.PostFormValue(v.fieldName(name)))
}

func (v *visit) fieldName(name string) string {
	if renamed, ok := v.design.fields[name]; ok {
		return renamed
	}
	return name
}

// form reads the posted form and answers itself when there is none or it is too large.
func (v *visit) form() bool {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxFormBytes)
	if err := v.r.ParseForm(); err != nil {
		http.Error(v.w, "this form cannot be read", http.StatusBadRequest)
		return false
	}
	return true
}

// assets serves the embedded style sheets and scripts below a path that changes with their contents.
type assets struct {
	prefix string
	files  http.Handler
}

func loadAssets() *assets {
	sum := sha256.New()
	all := make(map[string][]byte)
	err := fs.WalkDir(designFiles, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all[name], err = designFiles.ReadFile(name)
		return err
	})
	if err != nil {
		panic(fmt.Sprintf("reading the embedded assets: %v", err))
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		sum.Write(all[name])
	}
	prefix := "/static/" + hex.EncodeToString(sum.Sum(nil))[:12] + "/"
	return &assets{prefix: prefix, files: http.StripPrefix(prefix, http.FileServerFS(designFiles))}
}

func (a *assets) url(name string) string { return a.prefix + name }

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if ext := path.Ext(r.URL.Path); ext != ".css" && ext != ".js" && ext != ".svg" {
		http.NotFound(w, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, a.prefix) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	a.files.ServeHTTP(w, r)
}

// local returns the address within this shop that a ?next= asks for, or fallback.
func local(next, fallback string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") ||
		strings.Contains(next, `\`) {
		return fallback
	}
	return u.RequestURI()
}

// wait returns false when the browser gave up before the time was over.
func (v *visit) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-v.r.Context().Done():
		return false
	}
}
