package testcase

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The browsers that a case can ask for.
const (
	Chromium = "chromium"
	Firefox  = "firefox"
	WebKit   = "webkit"
)

// Config is what a case asks of its browser and of its runs. The zero value
// leaves everything to the run and to Playwright's defaults.
type Config struct {
	// Browser is Chromium (also when empty), Firefox or WebKit.
	Browser  string
	Headless *bool
	// Width and Height are the viewport's; 0 leaves them to the run.
	Width, Height int
	// Device is one of Playwright's names of devices, such as "iPhone 15".
	Device      string
	Locale      string
	Timezone    string
	ColorScheme string
	Geolocation *Geolocation
	Permissions []string
	// HTTPUsername and HTTPPassword answer HTTP authentication.
	HTTPUsername, HTTPPassword string
	ExtraHeaders               map[string]string
	IgnoreHTTPSErrors          bool
	StorageState               *StorageState
	// BaseURLs are the addresses of the site by environment.
	BaseURLs map[string]string
	// Timeout is the time of an attempt in milliseconds, 0 for the run's.
	Timeout int
	// Retries is how often a failed run is tried again; nil for the default.
	Retries *int
}

// Geolocation is where the browser says that it is: degrees, and metres.
type Geolocation struct{ Latitude, Longitude, Accuracy float64 }

// StorageState is what the browser knows at the beginning: either given, or
// what is left by a case that logs in, which is run once and kept.
type StorageState struct {
	Cookies []Cookie
	Origins []OriginStorage
	// Login is a stored case or one given inline.
	Login *SubCase
	// MaxAge is how long what the login case left is used, in milliseconds; 0
	// for the worker's default.
	MaxAge int
}

// OriginStorage is the local storage of an origin.
type OriginStorage struct {
	Origin string
	Items  map[string]string
}

// Row is a row of data: a value for each of its columns.
type Row struct{ Values map[string]string }

func (o object) config() Config {
	c, ok := o.inner("config", optional, "")
	if !ok {
		return Config{}
	}
	defer c.noteUnknown()
	return c.configFields()
}

// configFields reads what a config may say.
func (o object) configFields() Config {
	result := Config{
		Browser:           o.choice("browser", Chromium, Firefox, WebKit),
		Headless:          o.flag("headless"),
		Device:            o.text("device", optional, maxName),
		Locale:            o.text("locale", optional, maxName),
		Timezone:          o.text("timezone", optional, maxName),
		ColorScheme:       o.choice("colorScheme", "", "light", "dark", "no-preference"),
		ExtraHeaders:      o.texts("extraHeaders", optional, maxValue),
		IgnoreHTTPSErrors: o.flagOr("ignoreHTTPSErrors", false),
		StorageState:      o.storageState(),
		BaseURLs:          o.texts("baseUrls", optional, maxURL),
		Timeout:           o.integer("timeout", optional, 1000, MaxAttemptTimeout),
	}
	if v, ok := o.inner("viewport", optional, ""); ok {
		result.Width, result.Height = v.integer("width", required, 1, maxViewport), v.integer("height", required, 1, maxViewport)
		v.noteUnknown()
	}
	if result.Locale != "" && !locale.MatchString(result.Locale) {
		o.problem("locale", fmt.Sprintf("is %q: give a language tag such as de-DE", result.Locale))
	}
	if _, err := time.LoadLocation(result.Timezone); err != nil || result.Timezone == "Local" {
		o.problem("timezone", fmt.Sprintf("is %q, which is no time zone: give a name such as Europe/Berlin", result.Timezone))
	}
	o.checkHeaders("extraHeaders", result.ExtraHeaders)
	for _, name := range sortedKeys(result.BaseURLs) {
		if problem := checkBaseURL(result.BaseURLs[name]); problem != "" {
			o.problem("baseUrls."+name, problem)
		}
	}
	if g, ok := o.inner("geolocation", optional, ""); ok {
		result.Geolocation = &Geolocation{
			Latitude:  orZero(g.number("latitude", required, -90, 90)),
			Longitude: orZero(g.number("longitude", required, -180, 180)),
			Accuracy:  orZero(g.number("accuracy", optional, 0, maxPixels)),
		}
		g.noteUnknown()
	}
	if h, ok := o.inner("httpCredentials", optional, ""); ok {
		result.HTTPUsername, result.HTTPPassword = h.text("username", required, maxTitle), h.value("password", maxTitle)
		h.noteUnknown()
	}
	if !o.absent("retries") {
		retries := o.integer("retries", optional, 0, maxRetries)
		result.Retries = &retries
	}
	result.Permissions = o.permissions()
	return result
}

var locale = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

func (o object) permissions() []string {
	known := []string{
		"accelerometer", "ambient-light-sensor", "background-sync", "camera", "clipboard-read", "clipboard-write", "geolocation",
		"gyroscope", "local-fonts", "magnetometer", "microphone", "midi", "midi-sysex", "notifications", "payment-handler", "storage-access",
	}
	entries, _ := o.list("permissions", optional, "a list of permissions", len(known))
	var names []string
	for i, raw := range entries {
		name, ok := o.asText(fmt.Sprintf("permissions[%d]", i), raw, maxName)
		switch {
		case !ok:
		case !slices.Contains(known, name):
			o.problem(fmt.Sprintf("permissions[%d]", i), fmt.Sprintf("is %q: use one of %s", name, strings.Join(known, ", ")))
		default:
			names = append(names, name)
		}
	}
	return names
}

// storageState reads Playwright's own format, or the case that logs in.
func (o object) storageState() *StorageState {
	s, ok := o.inner("storageState", optional, "")
	if !ok {
		return nil
	}
	defer s.noteUnknown()
	state := &StorageState{MaxAge: s.integer("maxAge", optional, 1000, maxStateAge)}
	if login, ok := s.inner("login", optional, ""); ok {
		var step Step
		readRunCase(login, &step)
		login.noteUnknown()
		state.Login = &step.Parameters.SubCase
		if !s.absent("cookies") || !s.absent("origins") {
			s.problem("login", "and cookies or origins are both given: give one of them")
		}
		return state
	}
	for _, c := range s.objects("cookies", maxStored) {
		var step Step
		readSetCookie(c, &step)
		c.noteUnknown()
		state.Cookies = append(state.Cookies, step.Parameters.Cookie)
		if step.Parameters.Cookie.URL == "" && step.Parameters.Cookie.Domain == "" {
			c.problem("domain", "is missing: give the host that the cookie is for")
		}
	}
	for _, origin := range s.objects("origins", maxStored) {
		entry := OriginStorage{Origin: origin.text("origin", required, maxURL), Items: map[string]string{}}
		for _, item := range origin.objects("localStorage", maxStored) {
			entry.Items[item.text("name", required, maxTitle)] = item.value("value", maxValue)
			item.noteUnknown()
		}
		origin.noteUnknown()
		state.Origins = append(state.Origins, entry)
	}
	return state
}

// objects reads a list of objects.
func (o object) objects(name string, limit int) []object {
	entries, _ := o.list(name, optional, "a list of JSON objects", limit)
	list := make([]object, 0, len(entries))
	for i, raw := range entries {
		entry := fmt.Sprintf("%s[%d]", name, i)
		if fields, ok := decodeObject(raw); ok {
			list = append(list, o.at(entry, fields))
			continue
		}
		o.problem(entry, "must be a JSON object")
	}
	return list
}

// texts reads an object of texts.
func (o object) texts(name string, need presence, limit int) map[string]string {
	inner, ok := o.inner(name, need, "a JSON object of texts")
	if !ok {
		return nil
	}
	texts := make(map[string]string, len(inner.fields))
	for _, key := range inner.names() {
		texts[key] = inner.value(key, limit)
	}
	return texts
}

// variables reads values by name. They may be texts, numbers and flags, which
// people write without quotes.
func (o object) variables(name string) map[string]string {
	inner, ok := o.inner(name, optional, "")
	if !ok {
		return nil
	}
	return inner.scalars()
}

func (o object) scalars() map[string]string {
	values := make(map[string]string, len(o.fields))
	for _, key := range o.names() {
		if !variableName.MatchString(key) {
			o.problem(key, "is no name for a variable: use letters, digits and _, and a letter first")
			continue
		}
		var v any
		o.asked[key] = true
		switch err := json.Unmarshal(o.fields[key], &v); value := v.(type) {
		case string:
			values[key], _ = o.asText(key, o.fields[key], MaxVariable)
		case float64:
			values[key] = string(o.fields[key])
			if math.IsInf(value, 0) || err != nil {
				o.problem(key, "must be a text, a number, true or false")
			}
		case bool:
			values[key] = string(o.fields[key])
		default:
			o.problem(key, "must be a text, a number, true or false")
		}
	}
	return values
}

func (o object) rows() []Row {
	entries := o.objects("data", maxRows)
	rows := make([]Row, 0, len(entries))
	for _, entry := range entries {
		rows = append(rows, Row{Values: entry.scalars()})
	}
	if len(rows) == 0 {
		if !o.absent("data") {
			o.problem("data", "is empty: give at least one row, or leave it out")
		}
		return nil
	}
	return rows
}

// variable reads the name of a variable.
func (o object) variable(name string) string {
	v := o.text(name, required, maxName)
	if v != "" && (!variableName.MatchString(v) || v == secretScope) {
		o.problem(name, fmt.Sprintf("is %q, which is no name for a variable: use letters, digits and _, and a letter first", v))
	}
	return v
}

func (o object) pattern(name string) string {
	pattern := o.text(name, optional, maxURL)
	if pattern != "" {
		o.checkPattern(name, pattern)
	}
	return pattern
}

// headerName is what RFC 9110 calls a token.
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

func (o object) checkHeaders(field string, headers map[string]string) {
	for _, name := range sortedKeys(headers) {
		if !headerName.MatchString(name) || strings.ContainsAny(headers[name], "\r\n\x00") || strings.EqualFold(name, "Host") {
			o.problem(field+"."+name, "is no header that can be sent")
		}
	}
}
