package artifact

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind is what a file shows of an attempt.
type Kind string

// The kinds.
const (
	Screenshot Kind = "screenshot"
	DOM        Kind = "dom" // the page's HTML
	Trace      Kind = "trace"
	Video      Kind = "video"
	HAR        Kind = "har"
	Console    Kind = "console"
	Network    Kind = "network"
)

// Kinds lists them, in the order in which they are kept while there is room.
func Kinds() []Kind { return []Kind{Screenshot, DOM, Console, Network, Trace, HAR, Video} }

// Policy says when a kind of artifact is kept.
type Policy string

// The policies.
const (
	// Off makes none.
	Off Policy = "off"
	// On keeps that of every attempt; a screenshot and the HTML of every step.
	On Policy = "on"
	// OnFailure keeps that of attempts that did not pass; a screenshot and the HTML of the step that failed.
	OnFailure Policy = "on-failure"
	// OnRetry is On for every attempt but a run's first, and Off for that.
	OnRetry Policy = "on-retry"
)

// Policies lists them.
func Policies() []Policy { return []Policy{Off, On, OnFailure, OnRetry} }

// For is the policy for one attempt, counted from 1: Off, On or OnFailure.
func (p Policy) For(attempt int) Policy {
	switch {
	case p == OnRetry && attempt > 1:
		return On
	case p == On, p == OnFailure:
		return p
	}
	return Off
}

// Keeps says whether the file of an attempt, or of a step, is kept.
func (p Policy) Keeps(failed bool) bool { return p == On || p == OnFailure && failed }

// Rules say what is kept.
type Rules struct {
	Policies map[Kind]Policy
	// Limits are the most bytes that a file of each kind may have, RunLimit those that a run's files have together.
	Limits   map[Kind]int64
	RunLimit int64
}

// With returns the rules with other policies for some kinds.
func (r Rules) With(policies map[Kind]Policy) Rules {
	if len(policies) > 0 {
		r.Policies = maps.Clone(r.Policies)
		maps.Copy(r.Policies, policies)
	}
	return r
}

// For are the policies for one attempt, counted from 1.
func (r Rules) For(attempt int) map[Kind]Policy {
	policies := make(map[Kind]Policy, len(r.Policies))
	for kind, p := range r.Policies {
		policies[kind] = p.For(attempt)
	}
	return policies
}

// CheckPolicy says what is wrong with a policy as it was written; "" if nothing is.
func CheckPolicy(kind Kind, policy Policy) string {
	switch {
	case !slices.Contains(Kinds(), kind):
		return fmt.Sprintf("there is no artifact %q: the kinds are %s", kind, words(Kinds()))
	case !slices.Contains(Policies(), policy):
		return fmt.Sprintf("%q is no policy: it must be one of %s", policy, words(Policies()))
	}
	return ""
}

func words[T ~string](list []T) string {
	text := make([]string, len(list))
	for i, w := range list {
		text[i] = string(w)
	}
	return strings.Join(text, ", ")
}

// ContentType is the media type of a kind's files.
func (k Kind) ContentType() string {
	switch k {
	case Screenshot:
		return "image/png"
	case DOM:
		return "text/html; charset=utf-8"
	case Trace:
		return "application/zip"
	case Video:
		return "video/webm"
	case HAR:
		return "application/json"
	case Console, Network:
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// Extension is what the names of a kind's files end with.
func (k Kind) Extension() string {
	switch k {
	case Screenshot:
		return ".png"
	case DOM:
		return ".html"
	case Trace:
		return ".zip"
	case Video:
		return ".webm"
	case HAR:
		return ".har"
	case Console, Network:
		return ".log"
	}
	return ".bin"
}
