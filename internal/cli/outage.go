package cli

import (
	"sync"
	"time"
)

// outage tells the user about trouble with the API once it has lasted a moment, and when it is over.
type outage struct {
	after    time.Duration // how long trouble goes unmentioned
	patience time.Duration // how long it is waited for
	notice   func(string)

	mu        sync.Mutex
	since     time.Time
	announced bool
}

// trouble notes that a call found the API unavailable.
func (o *outage) trouble(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		o.since = time.Now()
	}
	if !o.announced && time.Since(o.since) >= o.after {
		o.announced = true
		o.notice(err.Error() + ": trying again for up to " + humane(o.patience) + ", runs that were started go on meanwhile")
	}
}

// over notes that a call succeeded.
func (o *outage) over() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.announced {
		o.notice("the API answers again after " + humane(time.Since(o.since)))
	}
	o.since, o.announced = time.Time{}, false
}
