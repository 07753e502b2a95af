package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/cinnamon-qa/cinnamon/store"
)

// memory keeps what was told, so that several processes tell once.
type memory interface {
	Figures
	JudgeAlerts(ctx context.Context, now time.Time, judge func([]store.Alert) store.Judgement) (judged bool, err error)
	TakeDeliveries(ctx context.Context, targets []string, now, again time.Time, limit int) ([]store.AlertDelivery, error)
	DeliverAgain(ctx context.Context, id int64, due time.Time) error
	Delivered(ctx context.Context, id int64) error
}

// Options of an engine.
type Options struct {
	Rules    []Rule
	Targets  []Target
	Store    memory
	Interval time.Duration
	Cooldown time.Duration
	// Up says which services answer, Uses how much of what is used.
	Up   func(ctx context.Context) map[string]bool
	Uses func(ctx context.Context) []Use
	Log  *slog.Logger
}

// Engine looks, judges and tells.
type Engine struct {
	Options
	// away is since when the database has not answered, said that this was told.
	away time.Time
	said bool
}

// New makes an engine.
func New(o Options) *Engine { return &Engine{Options: o} }

const (
	lookWithin = 10 * time.Second
	sendWithin = 15 * time.Second
	// retryFrom and retryTo are the pauses between tries, mostTries is how many there are: about two hours of them.
	retryFrom, retryTo = 2 * time.Second, 15 * time.Minute
	mostTries          = 16
	takenAtOnce        = 20
)

// Run works until ctx ends.
func (e *Engine) Run(ctx context.Context) {
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() { every(ctx, e.Interval, e.Judge) })
	every(ctx, time.Second, e.Deliver)
}

func every(ctx context.Context, interval time.Duration, do func(ctx context.Context)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do(ctx)
		}
	}
}

// Judge looks once. What changes is told with one message.
func (e *Engine) Judge(ctx context.Context) {
	looking, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	now := time.Now()
	var uses []Use
	if e.Uses != nil {
		uses = e.Uses(looking)
	}
	hold, err := look(looking, e.Rules, e.Store, e.Up(looking), uses, now)
	if err == nil {
		_, err = e.Store.JudgeAlerts(looking, now, func(known []store.Alert) store.Judgement {
			j, firing, resolved := judge(known, hold, now, timing{cooldown: e.Cooldown, settle: 2 * e.Interval})
			if len(firing)+len(resolved) > 0 {
				j.Message = (&Message{Type: typeAlerts, At: now, Firing: orNone(firing), Resolved: orNone(resolved)}).encode()
				j.Targets = ids(e.Targets)
				e.log(ctx, firing, resolved)
			}
			return j
		})
	}
	if ctx.Err() == nil {
		e.withoutDatabase(ctx, now, err)
	}
}

func orNone(list []store.Alert) []store.Alert {
	if list == nil {
		return []store.Alert{}
	}
	return list
}

func (e *Engine) log(ctx context.Context, firing, resolved []store.Alert) {
	for _, a := range firing {
		e.Log.WarnContext(ctx, "alert", "rule", a.Rule, "subject", a.Subject, "detail", a.Detail)
	}
	for _, a := range resolved {
		e.Log.InfoContext(ctx, "alert is over", "rule", a.Rule, "subject", a.Subject)
	}
}

// withoutDatabase tells that the database is away, and back: nobody remembers for us what was told, so that each process tells it.
func (e *Engine) withoutDatabase(ctx context.Context, now time.Time, err error) {
	at := store.Alert{Rule: DependencyDown, Subject: "postgres", State: store.AlertFiring, Since: now, NotifiedAt: now, Detail: "postgres does not answer; cinnamon doctor says why"}
	switch {
	case err == nil && e.said:
		e.said, e.away = false, time.Time{}
		e.tellAll(ctx, &Message{Type: typeAlerts, At: now, Firing: []store.Alert{}, Resolved: []store.Alert{at}})
	case err == nil:
		e.away = time.Time{}
	case e.away.IsZero():
		e.away = now
		e.Log.WarnContext(ctx, "the alerts could not be judged", "error", err)
	case !e.said && now.Sub(e.away) >= e.patience():
		e.said = true
		e.tellAll(ctx, &Message{Type: typeAlerts, At: now, Firing: []store.Alert{at}, Resolved: []store.Alert{}})
	}
}

// patience is how long a service may be away.
func (e *Engine) patience() time.Duration {
	for i := range e.Rules {
		if r := &e.Rules[i]; r.Name == DependencyDown && !r.Off {
			return r.time()
		}
	}
	return time.Duration(1<<63 - 1) // nobody wants to know
}

func (e *Engine) tellAll(ctx context.Context, m *Message) {
	e.log(ctx, m.Firing, m.Resolved)
	for _, t := range e.Targets {
		if err := tell(ctx, t, strconv.FormatInt(m.At.UnixNano(), 36), m); err != nil {
			e.Log.ErrorContext(ctx, "an alert was not delivered", "target", t.Name(), "error", err)
		}
	}
}

func tell(ctx context.Context, t Target, id string, m *Message) error {
	sending, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	return t.Send(sending, "msg_"+id, m)
}

func ids(targets []Target) []string {
	list := make([]string, len(targets))
	for i, t := range targets {
		list[i] = t.ID()
	}
	return list
}

// Deliver sends the messages that are due. Those that can't be delivered are tried again, later and later.
func (e *Engine) Deliver(ctx context.Context) {
	now := time.Now()
	due, err := e.Store.TakeDeliveries(ctx, ids(e.Targets), now, now.Add(time.Minute), takenAtOnce)
	if err != nil {
		return // the next look says that the database is away
	}
	byID := map[string]Target{}
	for _, t := range e.Targets {
		byID[t.ID()] = t
	}
	var all sync.WaitGroup
	for _, d := range due {
		all.Go(func() { e.deliver(ctx, byID[d.Target], d) })
	}
	all.Wait()
}

func (e *Engine) deliver(ctx context.Context, t Target, d store.AlertDelivery) {
	var m Message
	err := json.Unmarshal([]byte(d.Message), &m)
	if err == nil {
		err = tell(ctx, t, strconv.FormatInt(d.ID, 10), &m)
	}
	keep, done := context.WithTimeout(context.WithoutCancel(ctx), lookWithin)
	defer done()
	switch {
	case err == nil:
		e.Log.InfoContext(ctx, "alert delivered", "target", t.Name(), "tries", d.Tries)
		err = e.Store.Delivered(keep, d.ID)
	case d.Tries >= mostTries:
		e.Log.ErrorContext(ctx, "an alert was not delivered, and is given up", "target", t.Name(), "tries", d.Tries, "error", err)
		err = e.Store.Delivered(keep, d.ID)
	default:
		e.Log.WarnContext(ctx, "an alert was not delivered yet", "target", t.Name(), "tries", d.Tries, "error", err)
		err = e.Store.DeliverAgain(keep, d.ID, time.Now().Add(pause(d.Tries)))
	}
	if err != nil {
		e.Log.WarnContext(ctx, "what became of an alert could not be kept; it may come twice", "target", t.Name(), "error", err)
	}
}

func pause(tries int) time.Duration { return min(retryFrom<<min(tries-1, 12), retryTo) }

// Tried says whether a target could be told.
type Tried struct {
	Target string `json:"target"`
	Error  string `json:"error,omitempty"`
}

// Test tells every target that this is a test.
func Test(ctx context.Context, targets []Target) []Tried {
	results := make([]Tried, len(targets))
	var all sync.WaitGroup
	for i, t := range targets {
		all.Go(func() {
			results[i].Target = t.Name()
			m := &Message{Type: typeTest, At: time.Now(), Firing: []store.Alert{}, Resolved: []store.Alert{}}
			if err := tell(ctx, t, fmt.Sprintf("test_%x", m.At.UnixNano()), m); err != nil {
				results[i].Error = err.Error()
			}
		})
	}
	all.Wait()
	return results
}
