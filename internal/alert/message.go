package alert

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cinnamon-qa/cinnamon/store"
)

// Message is what targets are told: what is wrong, and what is well again. The webhook's body is one.
type Message struct {
	Type     string        `json:"type"` // alerts, or test
	At       time.Time     `json:"at"`
	Firing   []store.Alert `json:"firing"`
	Resolved []store.Alert `json:"resolved"`
}

// Title says it in one line.
func (m *Message) Title() string {
	switch {
	case m.Type == typeTest:
		return "Cinnamon: a test of the alerts"
	case len(m.Firing) == 0:
		return fmt.Sprintf("Cinnamon: %d well again", len(m.Resolved))
	case len(m.Resolved) == 0:
		return fmt.Sprintf("Cinnamon: %d alerts", len(m.Firing))
	default:
		return fmt.Sprintf("Cinnamon: %d alerts, %d well again", len(m.Firing), len(m.Resolved))
	}
}

const (
	typeAlerts = "alerts"
	typeTest   = "test"
	// mostLines bounds a message: chats refuse long ones.
	mostLines = 20
)

// Text says it to people.
func (m *Message) Text() string {
	var lines []string
	if m.Type == typeTest {
		lines = append(lines, "This is a test. If you can read it, alerts arrive here.")
	}
	for _, a := range m.Firing {
		lines = append(lines, "ALERT "+a.Rule+": "+a.Detail)
	}
	for _, a := range m.Resolved {
		lines = append(lines, "OK "+strings.TrimSuffix(a.Rule+" "+a.Subject, " ")+": it is well again")
	}
	if more := len(lines) - mostLines; more > 0 {
		lines = append(lines[:mostLines], fmt.Sprintf("… and %d more", more))
	}
	return strings.Join(lines, "\n")
}

func (m *Message) encode() string {
	text, err := json.Marshal(m)
	if err != nil {
		return "" // nothing in it can't be encoded
	}
	return string(text)
}
