package cli

import "time"

// test is one test case of this invocation and what is known of its run.
type test struct {
	group   int
	file    string
	title   string
	baseURL string
	steps   []string // what each step does, in words
	body    []byte   // of the request that starts it
	key     string   // idempotency key

	caseID   string // of a stored case
	id       string // of the run, once started
	suiteRun string // that it belongs to, if any
	links    links
	run      apiRun        // as last seen
	since    time.Time     // when the newest attempt was first seen running
	missing  int           // polls in a row that did not know the run
	refused  error         // why it was not started
	lost     string        // why its end is not known
	evidence *apiStep      // the step that failed
	files    []apiArtifact // that show the newest attempt as a whole

	adaptations []apiAdaptation // what the newest attempt passed with
}

// state is what a test is doing or how it ended.
type state int

const (
	stateWaiting state = iota
	stateRunning
	stateRetrying // an attempt has failed, the next one has not begun
	statePassed
	stateFlaky
	stateAdapted
	stateQuarantined // it failed, and its case is in quarantine: that does not count
	stateFailed
	stateCancelled
	stateNotStarted
	stateUnknown
	stateCount
)

// String returns the word for reports.
func (s state) String() string {
	return [stateCount]string{
		"waiting", "running", "retrying", "passed", "flaky", "adapted", "quarantined", "failed", "cancelled", "not started", "unknown",
	}[s]
}

// MarshalText writes the word.
func (s state) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s state) active() bool   { return s == stateRunning || s == stateRetrying }
func (s state) finished() bool { return s >= statePassed }
func (s state) passed() bool   { return s == statePassed || s == stateFlaky || s == stateAdapted }

func (t *test) state() state {
	switch {
	case t.refused != nil:
		return stateNotStarted
	case t.lost != "":
		return stateUnknown
	}
	switch t.run.Status {
	case "":
		return stateWaiting
	case statusPending:
		if t.run.Attempt > 0 {
			return stateRetrying
		}
		return stateWaiting
	case statusRunning:
		return stateRunning
	case statusCompleted:
		if t.run.Flaky {
			return stateFlaky
		}
		return statePassed
	case statusAdapted:
		return stateAdapted
	case statusFailed:
		if t.run.Quarantined {
			return stateQuarantined
		}
		return stateFailed
	case statusCancelled:
		return stateCancelled
	default:
		return stateUnknown
	}
}

// open says whether the run was started and its end is still to come.
func (t *test) open() bool { return t.id != "" && !t.state().finished() }

func (t *test) totalSteps() int {
	if t.run.TotalSteps > 0 {
		return t.run.TotalSteps
	}
	return len(t.steps)
}

// currentStep says what the step does that is running; empty if that is not known.
func (t *test) currentStep() string {
	if t.run.Progress.Message != "" {
		return t.run.Progress.Message
	}
	if n := t.run.Progress.CurrentStep; n >= 1 && n <= len(t.steps) {
		return t.steps[n-1]
	}
	return ""
}

// doneSteps is how many steps of the newest attempt are behind it.
func (t *test) doneSteps() int {
	done := max(t.run.CompletedSteps, 0)
	switch s := t.state(); {
	case s.passed():
		done = t.totalSteps()
	case s == stateRunning:
		done = max(done, t.run.Progress.CurrentStep-1)
	}
	return min(done, t.totalSteps())
}

// reason says in words why the test did not pass.
func (t *test) reason() string {
	switch {
	case t.refused != nil:
		return t.refused.Error()
	case t.lost != "":
		return t.lost
	case t.run.Error != "":
		return t.run.Error
	case t.evidence != nil && t.evidence.Error != "":
		return t.evidence.Error
	case t.state() == stateUnknown:
		return "the API gives it a status that this program does not know: " + t.run.Status
	case t.state() == stateFailed, t.state() == stateQuarantined:
		return "no reason given"
	default:
		return ""
	}
}

// tally counts tests by state.
type tally [stateCount]int

func tallyOf(tests []test) tally {
	var n tally
	for i := range tests {
		n[tests[i].state()]++
	}
	return n
}

func (n tally) passed() int { return n[statePassed] + n[stateFlaky] + n[stateAdapted] }
