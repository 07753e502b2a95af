package alert

import (
	"slices"
	"time"

	"github.com/cinnamon-qa/cinnamon/store"
)

// Judged judges once and returns what is remembered then.
func Judged(known []store.Alert, hold []Condition, now time.Time, cooldown, settle time.Duration) (after []store.Alert, firing, resolved int) {
	j, fire, over := judge(known, hold, now, timing{cooldown: cooldown, settle: settle})
	is := func(a store.Alert) func(store.Alert) bool {
		return func(b store.Alert) bool { return a.Rule == b.Rule && a.Subject == b.Subject }
	}
	for _, a := range slices.Concat(j.Save, j.Forget) {
		known = slices.DeleteFunc(slices.Clone(known), is(a))
	}
	return append(known, j.Save...), len(fire), len(over)
}
