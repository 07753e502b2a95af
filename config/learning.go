package config

import "time"

// Learning says when runs are learned from, and what it takes.
type Learning struct {
	// Cron is when to learn of all cases that changed, in UTC unless it begins with CRON_TZ=<zone>; off: only of runs that adapted.
	Cron string `env:"LEARNING_CRON" envDefault:"0 3 * * *"`
	// Debounce is for how long a case is waited for other runs of it once one has adapted.
	Debounce time.Duration `env:"LEARNING_DEBOUNCE" envDefault:"5s"`
	// PromoteAfter is how many whole runs must pass with what a heal taught, one after the other, before it counts as the step's own;
	// 0: people approve it, or nobody.
	PromoteAfter int `env:"LEARNING_PROMOTE_AFTER" envDefault:"3"`
	// HalfLife is the age at which a run counts for half.
	HalfLife time.Duration `env:"LEARNING_HALF_LIFE" envDefault:"336h"`
	// QuarantineFlakyAbove puts a case in quarantine whose probability to be flaky is certainly higher; 0: people do, or nobody.
	QuarantineFlakyAbove float64 `env:"QUARANTINE_FLAKY_ABOVE" envDefault:"0"`
}

func (l Learning) validate(bad func(format string, args ...any)) {
	if !isCron(l.Cron) {
		bad("LEARNING_CRON is %q: it must be five fields such as 0 3 * * *, an interval such as @every 12h, or off", l.Cron)
	}
	if l.Debounce < 0 || l.Debounce > time.Hour {
		bad("LEARNING_DEBOUNCE is %s: it must be between 0s and 1h", l.Debounce)
	}
	if l.PromoteAfter < 0 {
		bad("LEARNING_PROMOTE_AFTER is %d: it must be 0 or more", l.PromoteAfter)
	}
	if l.QuarantineFlakyAbove < 0 || l.QuarantineFlakyAbove >= 1 {
		bad("QUARANTINE_FLAKY_ABOVE is %g: it must be a probability below 1, or 0 to leave quarantine to people", l.QuarantineFlakyAbove)
	}
	if l.HalfLife < time.Hour {
		bad("LEARNING_HALF_LIFE is %s: it must be 1h or more", l.HalfLife)
	}
}
