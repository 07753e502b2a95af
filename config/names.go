package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// variable is one setting that has a name of its own.
type variable struct {
	name, def string
	secret    bool
	// wants says in words what its values are like.
	wants string
}

// variables lists all settings, in the order of their documentation.
func variables() []variable {
	found := walk(reflect.TypeFor[Config]())
	for name := range queueVariables() {
		found = append(found, variable{name: name, secret: true})
	}
	slices.SortStableFunc(found, func(a, b variable) int { return strings.Compare(a.name, b.name) })
	return found
}

func walk(t reflect.Type) (found []variable) {
	for field := range t.Fields() {
		name := field.Tag.Get("env")
		switch {
		case name != "" && name != "-":
			found = append(found, variable{
				name: name, def: field.Tag.Get("envDefault"), secret: field.Type == reflect.TypeFor[Secret](), wants: wanted(field.Type),
			})
		case name == "" && field.Type.Kind() == reflect.Struct:
			found = append(found, walk(field.Type)...)
		}
	}
	return found
}

// wanted says what values of a type are like; nothing if the type's own reader says it better.
func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a time, such as 500ms, 10s or 2m"
	case t.PkgPath() != "": // a type of ours
		return ""
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int32, t.Kind() == reflect.Int64:
		return "a whole number"
	default:
		return ""
	}
}

const (
	// fileVariable names the file of settings.
	fileVariable = "CINNAMON_CONFIG"
	apiURL       = "CINNAMON_API_URL" // the command line's alone
)

// ownPrefixes begin names that nobody else uses: what is not known there is a mistake.
func ownPrefixes() []string {
	return []string{"CINNAMON_", "QUEUE_", "BRIDGE_", "EGRESS_", "ARTIFACTS_", "CLEANUP_", "LEARNING_", "QUARANTINE_", "METRICS_", "ALERT_"}
}

// sharedPrefixes begin names that other programs use as well: there only what is nearly a name of ours is a mistake.
func sharedPrefixes() []string {
	return []string{"REDIS_", "DATABASE_", "TEMPORAL_", "API_", "BROWSER_", "WORKER_", "LOG_", "S3_", "PLAYWRIGHT_", "TRACE_", "CODEC_"}
}

var (
	// kubernetes sets such variables for every service that is called as our prefixes are.
	kubernetes = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP)(_[A-Z]+)?)$`)
	// tests are variables of this project's Makefile and tests, which whole programs inherit.
	tests = regexp.MustCompile(`^CINNAMON_(DEV_|RACE_)?BIN$|^CINNAMON_(PROPERTY|TEST|SOAK)_`)
)

// unknown says what is wrong with a name that is no setting; nothing if it may belong to somebody else. In a file of settings
// every name is ours.
func unknown(name string, known []variable, ours bool) error {
	if strings.HasPrefix(name, secretPrefix) || name == fileVariable || name == apiURL ||
		slices.ContainsFunc(known, func(v variable) bool { return v.name == name }) {
		return nil
	}
	hasPrefix := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	ours = ours || slices.ContainsFunc(ownPrefixes(), hasPrefix)
	if !ours && !slices.ContainsFunc(sharedPrefixes(), hasPrefix) || kubernetes.MatchString(name) || tests.MatchString(name) {
		return nil
	}
	if hasPrefix(queueURLPrefix) {
		return nil // the addresses of queues have a check of their own
	}
	near, distance := nearest(name, known)
	switch {
	case distance <= closeEnough:
		return fmt.Errorf("%s is no setting: did you mean %s?", name, near)
	case ours:
		return fmt.Errorf("%s is no setting; `cinnamon config` lists all of them", name)
	default:
		return nil
	}
}

// closeEnough is how many letters a typing mistake may take.
const closeEnough = 2

func nearest(name string, known []variable) (near string, distance int) {
	distance = len(name)
	for _, v := range append(known, variable{name: fileVariable}, variable{name: apiURL}) {
		if d := lettersApart(name, v.name); d < distance {
			near, distance = v.name, d
		}
	}
	return near, distance
}

// lettersApart counts the letters to insert, delete, replace or swap with the next one that make one name of another.
func lettersApart(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
