package health

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// Check looks after one service that the product depends on.
type Check struct {
	Name string
	// Required services must answer for the role to be ready. Redis isn't one: runs go on without it.
	Required bool
	// Probe returns nil if all is well; a detail may come with it.
	Probe func(ctx context.Context) (detail string, err error)
}

// Ping makes a Probe of what has no detail to tell.
func Ping(ping func(ctx context.Context) error) func(ctx context.Context) (detail string, err error) {
	return func(ctx context.Context) (string, error) { return "", ping(ctx) }
}

const (
	probeWithin = 2 * time.Second
	// shareFor is how long what a look at the services found answers others, too.
	shareFor = time.Second
)

// Finding is how one service is.
type Finding struct {
	Status   string `json:"status"` // up or down
	Required bool   `json:"required"`
	Detail   string `json:"detail,omitempty"`
	Latency  int64  `json:"latency"` // milliseconds
}

// Up says whether the service answers.
func (f Finding) Up() bool { return f.Status == "up" }

// Prober looks after the services for all who ask together: anybody may ask whether a role is ready, and a flood of such
// requests must not become one at the services.
type Prober struct {
	checks []Check

	mu     sync.Mutex
	newest *Report
}

// New makes a prober.
func New(checks ...Check) *Prober { return &Prober{checks: checks} }

// Report is what one look at the services found. Its fields are read once done is closed, and not written after that.
type Report struct {
	done chan struct{}
	at   time.Time

	Checks map[string]Finding
	// Ready: all required services are up; Well: all services are.
	Ready, Well bool
}

// fresh says that a look is under way or was not long ago.
func (r *Report) fresh() bool {
	select {
	case <-r.done:
		return time.Since(r.at) < shareFor
	default:
		return true
	}
}

// Report returns what was found lately, or waits for a look, which others may wait for as well: it goes on when ctx ends.
func (p *Prober) Report(ctx context.Context) (*Report, error) {
	p.mu.Lock()
	r := p.newest
	if r == nil || !r.fresh() {
		r = &Report{done: make(chan struct{})}
		p.newest = r
		go p.look(context.WithoutCancel(ctx), r)
	}
	p.mu.Unlock()
	select {
	case <-r.done:
		return r, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Up says which services answer; none if nobody knows in time.
func (p *Prober) Up(ctx context.Context) map[string]bool {
	up := map[string]bool{}
	r, err := p.Report(ctx)
	if err != nil {
		return up
	}
	for name, found := range r.Checks {
		up[name] = found.Up()
	}
	return up
}

// look probes the services side by side.
func (p *Prober) look(ctx context.Context, r *Report) {
	defer close(r.done)
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	results := make([]Finding, len(p.checks))
	var all sync.WaitGroup
	for i, check := range p.checks {
		all.Go(func() {
			began := time.Now()
			detail, err := check.Probe(ctx)
			results[i] = Finding{Status: "up", Required: check.Required, Detail: detail, Latency: time.Since(began).Milliseconds()}
			if err != nil {
				results[i].Status, results[i].Detail = "down", public(err)
			}
		})
	}
	all.Wait()
	r.Checks, r.Ready, r.Well = map[string]Finding{}, true, true
	for i, found := range results {
		r.Checks[p.checks[i].Name] = found
		if !found.Up() {
			r.Well = false
			r.Ready = r.Ready && !found.Required
		}
	}
	r.at = time.Now()
}

// public is what anybody may read of an error.
func public(err error) string {
	if coded, ok := errors.AsType[*fault.Error](err); ok {
		return coded.Message
	}
	return "it does not answer"
}
