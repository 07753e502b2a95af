package alert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net/url"
	"regexp"
	"strings"

	"github.com/nicholas-fedor/shoutrrr"
	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// Target is somebody to be told.
type Target interface {
	// Name says who it is without telling secrets, ID is the same wherever the address is.
	Name() string
	ID() string
	// Send tells it. The error holds no secrets.
	Send(ctx context.Context, id string, m *Message) error
}

// Config says who is told.
type Config struct {
	// URLs are addresses as shoutrrr reads them: slack://…, teams://…, discord://…, telegram://…, smtp://…, generic+https://…
	URLs []string
	// WebhookURL gets a signed JSON document.
	WebhookURL, WebhookSecret string
}

// Targets reads the addresses. Errors name them by their place.
func Targets(cfg Config) ([]Target, error) {
	var targets []Target
	var problems []error
	seen := map[string]int{}
	for i, address := range cfg.URLs {
		t, err := newChat(address)
		if err != nil {
			problems = append(problems, fmt.Errorf("ALERT_URLS: address %d: %w", i+1, err))
			continue
		}
		seen[t.name]++
		if seen[t.name] > 1 {
			t.name = fmt.Sprintf("%s-%d", t.name, seen[t.name])
		}
		targets = append(targets, t)
	}
	if cfg.WebhookURL != "" {
		w, err := newWebhook(cfg.WebhookURL, cfg.WebhookSecret)
		if err != nil {
			problems = append(problems, err)
		} else {
			targets = append(targets, w)
		}
	}
	return targets, errors.Join(problems...)
}

// digest names an address without telling it.
func digest(address string) string {
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:8])
}

// chat is a service that shoutrrr knows.
type chat struct {
	name, id string
	sender   *router.ServiceRouter
	hide     *strings.Replacer
}

var scheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)

func newChat(address string) (*chat, error) {
	name, _, ok := strings.Cut(address, ":")
	if name = strings.ToLower(name); !ok || !scheme.MatchString(name) {
		return nil, errors.New("it must begin with a service, such as slack:// or smtp://")
	}
	c := &chat{name: name, id: digest(address), hide: hiding(address)}
	var err error
	if c.sender, err = shoutrrr.NewSender(log.New(io.Discard, "", 0), address); err != nil {
		return nil, fmt.Errorf("%s: %s", name, c.hide.Replace(err.Error()))
	}
	return c, nil
}

func (c *chat) Name() string { return c.name }
func (c *chat) ID() string   { return c.id }

func (c *chat) Send(ctx context.Context, _ string, m *Message) error {
	params := types.Params{}
	if title := m.Title(); c.name != "telegram" { // its title is markup there
		params.SetTitle(title)
	}
	sent := make(chan []error, 1)
	go func() { sent <- c.sender.Send(m.Text(), &params) }() // it ends by its own timeout
	select {
	case <-ctx.Done():
		return fmt.Errorf("telling %s: %w", c.name, ctx.Err())
	case problems := <-sent:
		if err := errors.Join(problems...); err != nil {
			return fmt.Errorf("telling %s: %s", c.name, c.hide.Replace(strings.ReplaceAll(err.Error(), "\n", "; ")))
		}
		return nil
	}
}

// shortSecret is the length below which a part of an address is taken for a word.
const shortSecret = 4

// hiding takes the address, and every part of it that may be a secret, out of texts.
func hiding(address string) *strings.Replacer {
	parts := []string{address}
	if u, err := url.Parse(address); err == nil {
		parts = append(parts, u.Host, u.Path, u.RawQuery, u.EscapedPath())
		if u.User != nil {
			password, _ := u.User.Password()
			parts = append(parts, u.User.String(), password, u.User.Username())
		}
		parts = append(parts, strings.Split(u.Path, "/")...)
		for _, values := range u.Query() {
			parts = append(parts, values...)
		}
	}
	var pairs []string
	for _, part := range parts {
		if len(part) >= shortSecret && !strings.HasPrefix(part, "//") {
			pairs = append(pairs, part, "***")
		}
	}
	return strings.NewReplacer(pairs...)
}
