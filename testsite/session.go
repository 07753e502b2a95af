package testsite

import (
	"crypto/rand"
	"slices"
	"sync"
)

// A state is what the shop knows about one browser.
type state struct {
	email string // of the signed-in customer, or empty
	name  string
	lines []line
	order *order
	votes []string // reviews marked as helpful, as slug/index
}

// A line is one row of a cart.
type line struct {
	Product  product
	Variant  variant
	Quantity int
}

// ID names the line in URLs and forms.
func (l line) ID() string { return l.Product.Slug + "-" + l.Variant.Key }

// Price is the price of one piece, in cents.
func (l line) Price() int { return l.Product.PriceOf(l.Variant) }

// Total is the price of the whole line, in cents.
func (l line) Total() int { return l.Price() * l.Quantity }

// An order is what remains of a cart after checkout. It is never changed once it is made.
type order struct {
	Number   string
	Lines    []line
	Name     string
	Email    string
	City     string
	Country  string
	Shipping shipping
	Card     string // last four digits
}

// Total is what the customer pays, in cents.
func (o order) Total() int { return subtotal(o.Lines) + o.Shipping.Price }

// Delivery says how and where the order reaches the customer.
func (o order) Delivery() string {
	if o.Shipping.Price == 0 {
		return o.Shipping.Label
	}
	return o.Shipping.Label + " to " + o.City + ", " + o.Country
}

func subtotal(lines []line) int {
	sum := 0
	for _, l := range lines {
		sum += l.Total()
	}
	return sum
}

func (s *state) pieces() int {
	sum := 0
	for _, l := range s.lines {
		sum += l.Quantity
	}
	return sum
}

// sessions holds the state of the most recent browsers. When it is full, the one unseen for longest is forgotten.
type sessions struct {
	mu    sync.Mutex
	limit int
	clock uint64 // counts visits
	byID  map[string]*session
}

type session struct {
	state state
	seen  uint64 // the clock at its latest visit
}

func newSessions(limit int) *sessions {
	return &sessions{limit: limit, byID: make(map[string]*session)}
}

// visit returns id if it is a known session, and the id of a new one otherwise.
func (s *sessions) visit(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.byID[id]
	if !ok {
		return s.add(state{})
	}
	s.clock++
	known.seen = s.clock
	return id
}

// replace moves the state to a new id, as a shop does when someone signs in or out, and returns that id.
func (s *sessions) replace(id string, change func(*state)) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var st state
	if old, ok := s.byID[id]; ok {
		st = old.state
		delete(s.byID, id)
	}
	change(&st)
	return s.add(st)
}

// update runs change on the state of a session, alone. A session that was forgotten meanwhile changes nothing.
func (s *sessions) update(id string, change func(*state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.byID[id]; ok {
		change(&known.state)
	}
}

// snapshot returns a copy of the state that the caller may keep.
func (s *sessions) snapshot(id string) state {
	var st state
	s.update(id, func(now *state) {
		st = *now
		st.lines = slices.Clone(now.lines)
		st.votes = slices.Clone(now.votes)
	})
	return st
}

func (s *sessions) add(st state) string {
	if len(s.byID) >= s.limit {
		s.forgetOldest()
	}
	s.clock++
	id := rand.Text()
	s.byID[id] = &session{state: st, seen: s.clock}
	return id
}

func (s *sessions) forgetOldest() {
	oldest, since := "", s.clock+1
	for id, known := range s.byID {
		if known.seen < since {
			oldest, since = id, known.seen
		}
	}
	delete(s.byID, oldest)
}
