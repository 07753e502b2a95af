package cleanup

import (
	"encoding/json"
	"time"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// Day is what retention is counted in.
const Day = 24 * time.Hour

// Policy says what is kept. A time of 0 keeps for ever, a number of 0 sets no bound.
type Policy struct {
	// Runs is for how long runs are kept after their end, with their steps and dead letters: the reports.
	Runs time.Duration `json:"runs"`
	// Files is for how long files of each kind are kept after the end of their run.
	Files map[artifact.Kind]time.Duration `json:"files"`
	// Longer is by how much longer all of that is kept of runs that failed or adapted.
	Longer time.Duration `json:"longer"`
	// MostRuns bounds how many runs that have ended are kept, MostFileBytes what all files have together; the oldest go first.
	MostRuns      int   `json:"mostRuns"`
	MostFileBytes int64 `json:"mostFileBytes"`
	// Letters is for how long dead letters are kept, Rejected changes that were set aside, Reports those of earlier clean-ups.
	Letters  time.Duration `json:"letters"`
	Rejected time.Duration `json:"rejected"`
	Reports  time.Duration `json:"reports"`
	// Learned is for how long what runs taught of a case is kept after the last of them.
	Learned time.Duration `json:"learned"`
	// KeepCompleted and KeepFailed are how many jobs that ended each queue keeps in Redis. Spare spares those that ended
	// less than so long ago.
	KeepCompleted int           `json:"keepCompleted"`
	KeepFailed    int           `json:"keepFailed"`
	Spare         time.Duration `json:"spare"`
	// Orphans is how old a file without a record must be, a progress key that does not end by itself, or a folder of a worker
	// that has died: what is younger may still be on its way.
	Orphans time.Duration `json:"orphans"`
}

// Default is the documented policy.
func Default() Policy {
	return Policy{
		Runs: 90 * Day, Longer: 60 * Day, Letters: 90 * Day, Rejected: 30 * Day, Reports: 365 * Day, Learned: 180 * Day,
		Files: map[artifact.Kind]time.Duration{
			artifact.Screenshot: 30 * Day, artifact.DOM: 30 * Day, artifact.Console: 30 * Day, artifact.Network: 30 * Day,
			artifact.HAR: 30 * Day, artifact.Trace: 7 * Day, artifact.Video: 7 * Day,
		},
		KeepCompleted: 100, KeepFailed: 50, Spare: Day, Orphans: Day,
	}
}

// Request is the documented data of a cleanup job. Every field may be missing.
type Request struct {
	// DryRun finds out what would go, and leaves it there.
	DryRun bool `json:"dryRun,omitempty"`
	// OlderThanDays replaces the days that runs, their files and dead letters are kept, also those of runs that failed.
	OlderThanDays *float64 `json:"olderThanDays,omitempty"`
}

// ParseRequest reads a job's data. Its errors have the code Invalid and say in words what is wrong.
func ParseRequest(data json.RawMessage) (Request, error) {
	var r Request
	if err := fault.ReadObject(data, &r, "the job's data", `{"dryRun": true}`, "dryRun and olderThanDays"); err != nil {
		return r, err
	}
	const most = 36500
	if days := r.OlderThanDays; days != nil && (*days < 0 || *days > most) {
		return r, fault.New(fault.Invalid, "olderThanDays is %g: it must be between 0 and %d", *days, most)
	}
	return r, nil
}

// For is the policy that a request asks for.
func (p Policy) For(r Request) Policy {
	if r.OlderThanDays == nil {
		return p
	}
	age := max(time.Duration(*r.OlderThanDays*float64(Day)), time.Nanosecond) // 0 would keep for ever
	files := make(map[artifact.Kind]time.Duration, len(p.Files))
	for _, kind := range artifact.Kinds() {
		files[kind] = age
	}
	p.Runs, p.Letters, p.Longer, p.Files = age, age, 0, files
	return p
}

// Rules are a policy at a moment: what ended before then goes. A zero time takes nothing away.
type Rules struct {
	Now time.Time
	// Runs goes for runs, RunsLonger for those that failed or adapted, Beyond for all, by their number.
	Runs, RunsLonger, Beyond time.Time
	Files, FilesLonger       map[artifact.Kind]time.Time
}

// At makes the rules of a moment. beyond is when the last of the runs ended that are kept by their number; zero: all are.
func (p Policy) At(now, beyond time.Time) Rules {
	r := Rules{
		Now: now, Runs: before(now, p.Runs, 0), RunsLonger: before(now, p.Runs, p.Longer), Beyond: beyond,
		Files: map[artifact.Kind]time.Time{}, FilesLonger: map[artifact.Kind]time.Time{},
	}
	for kind, age := range p.Files {
		r.Files[kind], r.FilesLonger[kind] = before(now, age, 0), before(now, age, p.Longer)
	}
	return r
}

func before(now time.Time, age, longer time.Duration) time.Time {
	if age <= 0 {
		return time.Time{}
	}
	return now.Add(-age - longer)
}
