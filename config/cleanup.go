package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cinnamon-qa/cinnamon/artifact"
)

// CronOff runs nothing by itself.
const CronOff = "off"

// Cleanup says what is removed when. Days of 0 keep for ever, numbers of 0 set no bound.
type Cleanup struct {
	// Cron is when to clean up, in UTC unless it begins with CRON_TZ=<zone>; off: only on demand.
	Cron string `env:"CLEANUP_CRON" envDefault:"0 2 * * *"`
	// RunDays is for how long runs are kept after their end, with their steps: the reports.
	RunDays int `env:"CLEANUP_RUN_DAYS" envDefault:"90"`
	// FileDays is for how long files are kept by their kind, where it differs from the defaults.
	FileDays FileDays `env:"CLEANUP_FILE_DAYS"`
	// LongerDays is by how much longer all of that is kept of runs that failed or adapted.
	LongerDays int `env:"CLEANUP_FAILED_EXTRA_DAYS" envDefault:"60"`
	// LetterDays is for how long dead letters are kept.
	LetterDays int `env:"CLEANUP_DEAD_LETTER_DAYS" envDefault:"90"`
	// LearnedDays is for how long what runs taught of a case is kept after the last of them.
	LearnedDays int `env:"CLEANUP_LEARNED_DAYS" envDefault:"180"`
	// MostRuns is how many runs that have ended are kept at the most, the newest.
	MostRuns int `env:"CLEANUP_MAX_RUNS" envDefault:"0"`
	// MostFileBytes is how many bytes all files may have together.
	MostFileBytes Bytes `env:"CLEANUP_MAX_FILE_BYTES" envDefault:"0"`
}

// FileDays are days by kind of file.
type FileDays map[artifact.Kind]int

// UnmarshalText reads days by kind, written as trace:7,video:0.
func (d *FileDays) UnmarshalText(text []byte) error {
	days := FileDays{}
	for part := range strings.SplitSeq(string(text), ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok {
			return fmt.Errorf("%q is not a kind of artifact and a number of days, such as video:7", part)
		}
		kind := artifact.Kind(strings.TrimSpace(name))
		if !slices.Contains(artifact.Kinds(), kind) {
			return fmt.Errorf("there is no artifact %q", kind)
		}
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 {
			return fmt.Errorf("%s:%s: it must be a number of days", kind, value)
		}
		days[kind] = n
	}
	*d = days
	return nil
}

// Days is a number of days as a time.
func Days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func (c Cleanup) validate(bad func(format string, args ...any)) {
	for name, value := range map[string]int{
		"CLEANUP_RUN_DAYS": c.RunDays, "CLEANUP_FAILED_EXTRA_DAYS": c.LongerDays, "CLEANUP_DEAD_LETTER_DAYS": c.LetterDays,
		"CLEANUP_LEARNED_DAYS": c.LearnedDays,
		"CLEANUP_MAX_RUNS":     c.MostRuns,
	} {
		if value < 0 {
			bad("%s is %d: it must be 0 or more", name, value)
		}
	}
	if !isCron(c.Cron) {
		bad("CLEANUP_CRON is %q: it must be five fields such as 0 2 * * *, an interval such as @every 12h, or off", c.Cron)
	}
}

// isCron says whether it looks like when something is to run; Temporal knows in full.
func isCron(cron string) bool {
	fields := strings.Fields(cron)
	if len(fields) > 0 && strings.HasPrefix(fields[0], "CRON_TZ=") {
		fields = fields[1:]
	}
	return cron == CronOff || len(fields) >= 5 || len(fields) > 0 && strings.HasPrefix(fields[0], "@")
}
