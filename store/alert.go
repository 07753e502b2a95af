package store

import "time"

// AlertState is how far an alert is.
type AlertState string

// The states of an alert.
const (
	AlertPending  AlertState = "pending"  // it may be over in a moment
	AlertFiring   AlertState = "firing"   // it holds
	AlertClearing AlertState = "clearing" // it was firing, and does not hold now
	AlertQuiet    AlertState = "quiet"    // it was, and is not told again so soon
)

// Alert is something that a rule watches for, about one thing.
type Alert struct {
	Rule    string     `json:"rule"`
	Subject string     `json:"subject,omitempty"`
	State   AlertState `json:"state"`
	// Since is when it came into its state.
	Since time.Time `json:"since"`
	// NotifiedAt is when somebody was told last; zero if nobody was.
	NotifiedAt time.Time `json:"notifiedAt,omitzero"`
	Detail     string    `json:"detail"`
}

// Judgement is what an evaluation of the rules changes.
type Judgement struct {
	Save, Forget []Alert
	// Message goes to the targets, if there is any.
	Message string
	Targets []string
}

// AlertDelivery is a message on its way to a target.
type AlertDelivery struct {
	ID        int64
	Target    string
	Message   string
	CreatedAt time.Time
	Tries     int // this one included
}

// Outcomes count how runs have ended.
type Outcomes struct{ Total, Failed, Flaky int }
