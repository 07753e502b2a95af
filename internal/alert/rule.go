package alert

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rule says what to watch for.
type Rule struct {
	Name string `json:"name"`
	// Means says in words when it fires; %s is the threshold.
	Means string `json:"means"`
	// Threshold is what must be passed: a time, a part of one (0.3), or a number.
	Threshold string `json:"threshold"`
	// For is how long it must hold.
	For time.Duration `json:"-"`
	// Off says that nobody wants to know.
	Off  bool `json:"off"`
	kind kind
}

type kind int

const (
	aNumber kind = iota
	aTime
	aPart
)

// The names of the rules.
const (
	DeadLetter     = "dead-letter"
	FailureRate    = "failure-rate"
	Waiting        = "waiting"
	Active         = "active"
	DependencyDown = "dependency-down"
	BridgeLag      = "bridge-lag"
	Flaky          = "flaky"
	Budget         = "budget"
)

const (
	letterWindow  = 15 * time.Minute
	failureWindow = 15 * time.Minute
	leastFailures = 10 // ended runs below which a rate says nothing
	flakyWindow   = time.Hour
	leastFlaky    = 20
)

// Defaults are the rules, unless settings say otherwise.
func Defaults() []Rule {
	return []Rule{
		{Name: DeadLetter, Means: "%s or more runs failed for good within 15 minutes", Threshold: "1", kind: aNumber},
		{Name: FailureRate, Means: "more than %s of the runs of 15 minutes failed, of 10 or more", Threshold: "0.3", For: time.Minute, kind: aPart},
		{Name: Waiting, Means: "the oldest job of a queue has waited for more than %s", Threshold: "5m", kind: aTime},
		{Name: Active, Means: "a job has been active for more than %s", Threshold: "10m", kind: aTime},
		{Name: DependencyDown, Means: "Postgres, Temporal, Redis or the artifact store has not answered for %s", Threshold: "1m", kind: aTime},
		{Name: BridgeLag, Means: "Redis is more than %s behind", Threshold: "30s", kind: aTime},
		{Name: Flaky, Means: "more than %s of the runs of an hour passed only when they were repeated, of 20 or more", Threshold: "0.1", For: time.Minute, kind: aPart},
		{Name: Budget, Means: "more than %s of Redis' memory, of the artifacts' disk or of a clean-up's budget is used", Threshold: "0.7", For: time.Minute, kind: aPart},
	}
}

// Parse lays settings over the defaults: waiting=10m,failure-rate=0.5,flaky=off.
func Parse(settings string) ([]Rule, error) {
	rules := Defaults()
	for part := range strings.SplitSeq(settings, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		at := -1
		names := make([]string, len(rules))
		for i, r := range rules {
			names[i] = r.Name
			if r.Name == name {
				at = i
			}
		}
		if at < 0 {
			return nil, fmt.Errorf("there is no rule %q: there are %s", name, strings.Join(names, ", "))
		}
		if value == "off" {
			rules[at].Off = true
			continue
		}
		rules[at].Threshold = value
		if problem := rules[at].problem(); problem != "" {
			return nil, fmt.Errorf("%s=%s: %s, or off", name, value, problem)
		}
	}
	return rules, nil
}

func (r *Rule) problem() string {
	switch r.kind {
	case aTime:
		if d, err := time.ParseDuration(r.Threshold); err != nil || d <= 0 {
			return "it must be a time, such as 30s or 5m"
		}
	case aPart:
		if f, err := strconv.ParseFloat(r.Threshold, 64); err != nil || f <= 0 || f >= 1 {
			return "it must be a part of one, such as 0.3"
		}
	case aNumber:
		if n, err := strconv.Atoi(r.Threshold); err != nil || n < 1 {
			return "it must be a number of 1 or more"
		}
	}
	return ""
}

// time, part and number read the threshold, which was checked.
func (r *Rule) time() time.Duration {
	d, _ := time.ParseDuration(r.Threshold)
	return d
}

func (r *Rule) part() float64 {
	f, _ := strconv.ParseFloat(r.Threshold, 64)
	return f
}

func (r *Rule) number() int {
	n, _ := strconv.Atoi(r.Threshold)
	return n
}

// Words says when the rule fires.
func (r *Rule) Words() string {
	threshold := r.Threshold
	if r.kind == aPart {
		threshold = fmt.Sprintf("%g %%", r.part()*100)
	}
	return fmt.Sprintf(r.Means, threshold)
}
