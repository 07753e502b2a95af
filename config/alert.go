package config

import (
	"strings"
	"time"
)

// Alert says who is told when something is wrong.
type Alert struct {
	// URLs are addresses as shoutrrr reads them, separated by spaces.
	URLs Secret `env:"ALERT_URLS"`
	// WebhookURL gets a JSON document that is signed with WebhookSecret.
	WebhookURL    Secret `env:"ALERT_WEBHOOK_URL"`
	WebhookSecret Secret `env:"ALERT_WEBHOOK_SECRET"`
	// Rules change thresholds: waiting=10m,flaky=off.
	Rules string `env:"ALERT_RULES"`
	// Interval is how often the rules are looked at, Cooldown how long nobody is told of the same alert again.
	Interval time.Duration `env:"ALERT_INTERVAL" envDefault:"15s"`
	Cooldown time.Duration `env:"ALERT_COOLDOWN" envDefault:"1h"`
}

// Addresses are the URLs one by one.
func (a *Alert) Addresses() []string { return strings.Fields(a.URLs.Reveal()) }

// Wanted says that somebody is to be told.
func (a *Alert) Wanted() bool { return a.URLs != "" || a.WebhookURL != "" }

func (a *Alert) validate(bad func(format string, args ...any)) {
	if a.Interval < time.Second || a.Interval > time.Hour {
		bad("ALERT_INTERVAL is %s: it must be between 1s and 1h", a.Interval)
	}
	if a.Cooldown < time.Second {
		bad("ALERT_COOLDOWN is %s: it must be 1s or more", a.Cooldown)
	}
	if a.WebhookURL != "" && a.WebhookSecret == "" {
		bad("ALERT_WEBHOOK_SECRET is not set: the webhook of ALERT_WEBHOOK_URL is signed with it; make one with: openssl rand -hex 24")
	}
}
