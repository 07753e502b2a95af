package alert

import (
	"cmp"
	"time"

	"github.com/cinnamon-qa/cinnamon/store"
)

func compare(rule, subject, otherRule, otherSubject string) int {
	return cmp.Or(cmp.Compare(rule, otherRule), cmp.Compare(subject, otherSubject))
}

// timing says how patient an evaluation is.
type timing struct {
	// cooldown is how long nobody is told of the same alert again, settle how long it must be over before that is told.
	cooldown, settle time.Duration
}

// judge says what becomes of the alerts that are known, now that these conditions hold, and who is told what.
func judge(known []store.Alert, hold []Condition, now time.Time, t timing) (j store.Judgement, firing, resolved []store.Alert) {
	before := map[[2]string]store.Alert{}
	for _, a := range known {
		before[[2]string{a.Rule, a.Subject}] = a
	}
	for _, c := range hold {
		key := [2]string{c.Rule, c.Subject}
		a, is := before[key]
		delete(before, key)
		if !is {
			a = store.Alert{Rule: c.Rule, Subject: c.Subject, State: store.AlertPending, Since: now}
		}
		a.Detail = c.Detail
		cool := a.NotifiedAt.IsZero() || now.Sub(a.NotifiedAt) >= t.cooldown
		switch a.State {
		case store.AlertClearing:
			a.State = store.AlertFiring
		case store.AlertQuiet:
			a.State, a.Since = store.AlertPending, now
		case store.AlertPending, store.AlertFiring:
		}
		// One that comes back within its cool-down is told when that is over, if it is still there then: what fires, somebody knows of.
		if cool && (a.State == store.AlertFiring || now.Sub(a.Since) >= c.For) {
			if a.State == store.AlertPending {
				a.State, a.Since = store.AlertFiring, now
			}
			a.NotifiedAt = now
			firing = append(firing, a)
		}
		j.Save = append(j.Save, a)
	}
	for _, a := range known {
		if _, gone := before[[2]string{a.Rule, a.Subject}]; !gone {
			continue
		}
		switch a.State {
		case store.AlertFiring:
			a.State, a.Since = store.AlertClearing, now
			j.Save = append(j.Save, a)
		case store.AlertClearing:
			if now.Sub(a.Since) < t.settle {
				break
			}
			resolved = append(resolved, a)
			a.State, a.Since = store.AlertQuiet, now
			j.Save = append(j.Save, a)
		case store.AlertPending, store.AlertQuiet:
			if a.NotifiedAt.IsZero() || now.Sub(a.NotifiedAt) >= t.cooldown {
				j.Forget = append(j.Forget, a)
			} else if a.State == store.AlertPending {
				a.State = store.AlertQuiet
				j.Save = append(j.Save, a)
			}
		}
	}
	return j, firing, resolved
}
