package cleanup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// Cursor is where to go on in a list by age.
type Cursor struct {
	At   time.Time
	ID   string // of the run
	File string // of the run's file, in a list of files
}

// Run is a run that goes.
type Run struct {
	ID    string
	Ended time.Time
	Files int // how many it has
	Steps int64
	// Letters and Jobs are rows that go with it, Bytes what all of its rows have.
	Letters, Jobs, Bytes int64
}

// File is a file of a run that goes.
type File struct {
	ID, RunID, Path string
	Kind            artifact.Kind
	Bytes           int64
	Ended           time.Time // when its run did
}

// Records are the product's. What removes something counts it for the clean-up of that id in the same transaction, and
// calls remove, if there are files, within it, before they are forgotten.
type Records interface {
	// Begin notes a clean-up, or finds it as it was when its worker died: when it was begun. One that only looks begins anew.
	Begin(ctx context.Context, id string, r Request, p Policy, now time.Time) (time.Time, error)
	End(ctx context.Context, id string, r Report) error
	// Counted reads what was counted, Count adds to it.
	Counted(ctx context.Context, id string) (Amounts, error)
	Count(ctx context.Context, id string, a Amounts) error

	// NewestRuns is when the last of so many of the newest runs ended that have ended; zero if there are not more.
	NewestRuns(ctx context.Context, n int) (time.Time, error)
	HeldRuns(ctx context.Context, r Rules) (int64, error)
	RunsToGo(ctx context.Context, r Rules, after Cursor, limit int) ([]Run, error)
	RemoveRuns(ctx context.Context, id string, runs []string, remove func(context.Context, []File) error) error
	// FilesOf reads the files of runs.
	FilesOf(ctx context.Context, runs []string) ([]File, error)
	// FilesToGo lists those of runs that stay.
	FilesToGo(ctx context.Context, r Rules, after Cursor, limit int) ([]File, error)
	// FilesLeft lists those that stay by their age, the oldest first; FileBytes is what they have together.
	FilesLeft(ctx context.Context, r Rules, after Cursor, limit int) ([]File, error)
	FileBytes(ctx context.Context, r Rules) (int64, error)
	DropFiles(ctx context.Context, id string, files []string, note string, remove func(context.Context, []File) error) error
	// Rest takes other rows of a kind away, up to so many, and says how many that were; if it is only to look, all at once.
	Rest(ctx context.Context, id string, kind Kind, r Rules, before time.Time, limit int, dryRun bool) (int64, error)
	// Recorded says which of these paths have a record.
	Recorded(ctx context.Context, paths []string) (map[string]bool, error)
}

// Files is where files of runs are.
type Files interface {
	Delete(ctx context.Context, path string) error
	// Walk calls visit with all files, some hundreds at a time.
	Walk(ctx context.Context, visit func([]artifact.Stored) error) error
}

// Place is somewhere else where things are left: Redis, the machine. Each takes away what it finds, or only looks, and calls
// counted after each batch.
type Place interface {
	Name() string
	Clean(ctx context.Context, p Policy, dryRun bool, counted func(Amounts) error) error
}

// Cleaner cleans up.
type Cleaner struct {
	Records Records
	Files   Files
	Places  []Place
	Policy  Policy
	// Batch is how many rows go at once.
	Batch int
}

const (
	defaultBatch = 500
	// filesAtOnce bounds what a transaction waits for files that are deleted, deleteAtOnce how many are at the same time.
	filesAtOnce  = 500
	deleteAtOnce = 8
	showEvery    = 500 * time.Millisecond
)

// work is one clean-up while it is under way.
type work struct {
	*Cleaner
	id       string
	dryRun   bool
	policy   Policy
	rules    Rules
	counted  Amounts // by a clean-up that only looks
	problems []string
	show     func(Progress)
	shown    time.Time
	phase    string
	percent  int
	gone     Amount
}

// Run cleans up, or goes on with what a worker that died had begun under that id, and reports. show may be called often.
func (c *Cleaner) Run(ctx context.Context, id string, r Request, show func(Progress)) (Report, error) {
	now := time.Now().UTC()
	policy := c.Policy.For(r)
	began, err := c.Records.Begin(ctx, id, r, policy, now)
	if err != nil {
		return Report{}, fmt.Errorf("beginning: %w", err)
	}
	w := &work{Cleaner: c, id: id, dryRun: r.DryRun, policy: policy, counted: Amounts{}, show: show}
	var beyond time.Time
	if policy.MostRuns > 0 {
		if beyond, err = c.Records.NewestRuns(ctx, policy.MostRuns); err != nil {
			return Report{}, fmt.Errorf("counting runs: %w", err)
		}
	}
	w.rules = policy.At(began, beyond) // of when it began: whoever goes on after a crash goes by the same
	held, err := c.Records.HeldRuns(ctx, w.rules)
	if err != nil {
		return Report{}, fmt.Errorf("counting held runs: %w", err)
	}
	if err := w.all(ctx); err != nil {
		return Report{}, err
	}
	if r.DryRun {
		if err := c.Records.Count(ctx, id, w.counted); err != nil {
			return Report{}, fmt.Errorf("counting: %w", err)
		}
	}
	removed, err := c.Records.Counted(ctx, id)
	if err != nil {
		return Report{}, fmt.Errorf("reading what was counted: %w", err)
	}
	report := Report{
		DryRun: r.DryRun, Removed: removed, Total: removed.total(), Held: held, Problems: w.problems,
		StartedAt: began, FinishedAt: time.Now().UTC(),
	}
	if err := c.Records.End(ctx, id, report); err != nil {
		return Report{}, fmt.Errorf("keeping the report: %w", err)
	}
	w.enter("done", 100)
	return report, nil
}

func (w *work) all(ctx context.Context) error {
	phases := []struct {
		name string
		do   func(context.Context) error
	}{{"runs", w.runs}, {"files", w.files}, {"file budget", w.budget}, {"records", w.rest}}
	for i, phase := range phases {
		w.enter(phase.name, i*15)
		if err := phase.do(ctx); err != nil {
			return fmt.Errorf("cleaning up %s: %w", phase.name, err)
		}
	}
	// What follows may fail without undoing what was done: the next clean-up comes.
	w.enter("orphaned files", 60)
	if err := w.tolerate(ctx, "orphaned files", w.orphans(ctx)); err != nil {
		return err
	}
	for i, place := range w.Places {
		w.enter(place.Name(), 75+i*10)
		err := place.Clean(ctx, w.policy, w.dryRun, func(a Amounts) error { return w.note(ctx, a) })
		if err := w.tolerate(ctx, place.Name(), err); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) tolerate(ctx context.Context, where string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	problem := where + ": " + err.Error()
	if coded, ok := errors.AsType[*fault.Error](err); ok { // the cause goes to the log
		problem = where + ": " + coded.Message
	}
	w.problems = append(w.problems, problem)
	return nil
}

// enter shows which phase begins.
func (w *work) enter(phase string, percent int) {
	w.phase, w.percent, w.shown = phase, percent, time.Time{}
	w.tell()
}

func (w *work) tell() {
	if time.Since(w.shown) < showEvery {
		return
	}
	w.shown = time.Now()
	verb := "removed"
	if w.dryRun {
		verb = "would remove"
	}
	w.show(Progress{Percentage: w.percent, Phase: w.phase, Removed: w.gone, Message: fmt.Sprintf("%s: %s %d things so far", w.phase, verb, w.gone.Count)})
}

// saw notes what goes with the next batch, and is counted there.
func (w *work) saw(a Amounts) {
	for kind, amount := range a {
		if w.dryRun {
			w.counted.Add(kind, amount.Count, amount.Bytes)
		}
		w.gone.Count += amount.Count
		w.gone.Bytes += amount.Bytes
	}
	w.tell()
}

// note counts what went outside of the records.
func (w *work) note(ctx context.Context, a Amounts) error {
	if !w.dryRun {
		if err := w.Records.Count(ctx, w.id, a); err != nil {
			return err
		}
	}
	w.saw(a)
	return nil
}

func (w *work) batch() int {
	if w.Batch > 0 {
		return w.Batch
	}
	return defaultBatch
}

// runs takes runs away with all that belongs to them.
func (w *work) runs(ctx context.Context) error {
	var after Cursor
	for {
		page, err := w.Records.RunsToGo(ctx, w.rules, after, w.batch())
		if err != nil || len(page) == 0 {
			return err
		}
		page = page[:within(page)]
		last := page[len(page)-1]
		after = Cursor{At: last.Ended, ID: last.ID}
		ids := make([]string, len(page))
		seen, files := Amounts{}, 0
		for i, run := range page {
			ids[i] = run.ID
			files += run.Files
			seen.Add(Runs, 1, run.Bytes)
			seen.Add(Steps, run.Steps, 0)
			seen.Add(Letters, run.Letters, 0)
			seen.Add(Jobs, run.Jobs, 0)
		}
		if files > 0 {
			list, err := w.Records.FilesOf(ctx, ids)
			if err != nil {
				return err
			}
			countFiles(seen, list)
		}
		if !w.dryRun {
			if err := w.Records.RemoveRuns(ctx, w.id, ids, w.remove); err != nil {
				return err
			}
		}
		w.saw(seen)
	}
}

// within is how many of the runs have no more files together than go at once, one at least.
func within(page []Run) int {
	files := 0
	for i, run := range page {
		if files += run.Files; files > filesAtOnce && i > 0 {
			return i
		}
	}
	return len(page)
}

func countFiles(a Amounts, files []File) {
	for _, f := range files {
		a.Add(FileKind(string(f.Kind)), 1, f.Bytes)
	}
}

// files takes files away that are older than their kind is kept.
func (w *work) files(ctx context.Context) error {
	return w.drop(ctx, w.Records.FilesToGo, "removed by the clean-up: it was older than such files are kept", nil)
}

// budget takes the oldest files away while all have more bytes than they may.
func (w *work) budget(ctx context.Context) error {
	if w.policy.MostFileBytes <= 0 {
		return nil
	}
	bytes, err := w.Records.FileBytes(ctx, w.rules)
	if err != nil {
		return err
	}
	over := bytes - w.policy.MostFileBytes
	return w.drop(ctx, w.Records.FilesLeft, "removed by the clean-up: there were more bytes of files than may be kept", &over)
}

// drop takes the files of a list away, or as many as have so many bytes.
func (w *work) drop(ctx context.Context, list func(context.Context, Rules, Cursor, int) ([]File, error), note string, bytes *int64) error {
	var after Cursor
	for bytes == nil || *bytes > 0 {
		page, err := list(ctx, w.rules, after, min(w.batch(), filesAtOnce))
		if err != nil || len(page) == 0 {
			return err
		}
		if bytes != nil {
			n := 0
			for ; n < len(page) && *bytes > 0; n++ {
				*bytes -= page[n].Bytes
			}
			page = page[:n]
		}
		last := page[len(page)-1]
		after = Cursor{At: last.Ended, ID: last.RunID, File: last.ID}
		ids := make([]string, len(page))
		for i, f := range page {
			ids[i] = f.ID
		}
		seen := Amounts{}
		countFiles(seen, page)
		if !w.dryRun {
			if err := w.Records.DropFiles(ctx, w.id, ids, note, w.remove); err != nil {
				return err
			}
		}
		w.saw(seen)
	}
	return nil
}

// remove deletes files. Those that are gone already are no error.
func (w *work) remove(ctx context.Context, files []File) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(deleteAtOnce)
	for _, f := range files {
		group.Go(func() error {
			if err := w.Files.Delete(ctx, f.Path); err != nil && !errors.Is(err, artifact.ErrNotFound) {
				return fault.Wrap(fault.Unavailable, err, "a file could not be deleted")
			}
			return nil
		})
	}
	return group.Wait() //nolint:wrapcheck // it is wrapped already
}

// rest takes away what belongs to no run.
func (w *work) rest(ctx context.Context) error {
	now := w.rules.Now
	for _, part := range []struct {
		kind   Kind
		before time.Time
	}{
		{Letters, before(now, w.policy.Letters, 0)},
		{Suites, before(now, w.policy.Runs, 0)},
		{Rejected, before(now, w.policy.Rejected, 0)},
		{Outbox, before(now, w.policy.Orphans, 0)},
		{Jobs, before(now, w.policy.Orphans, 0)},
		{Reports, before(now, w.policy.Reports, 0)},
		{Pages, before(now, w.policy.Learned, 0)},
		{Fingerprints, before(now, w.policy.Learned, 0)},
		{Locators, before(now, w.policy.Learned, 0)},
		{Patterns, before(now, w.policy.Learned, 0)},
		{Reliability, before(now, w.policy.Learned, 0)},
		{Deliveries, before(now, w.policy.Orphans, 0)},
	} {
		if part.before.IsZero() {
			continue
		}
		for {
			n, err := w.Records.Rest(ctx, w.id, part.kind, w.rules, part.before, w.batch(), w.dryRun)
			if err != nil {
				return err
			}
			w.saw(Amounts{part.kind: {Count: n}})
			if n < int64(w.batch()) || w.dryRun {
				break
			}
		}
	}
	return nil
}

// orphans takes files away that have no record: their run was removed while they were written, or the database is an older one.
func (w *work) orphans(ctx context.Context) error {
	if w.policy.Orphans <= 0 {
		return nil
	}
	limit := w.rules.Now.Add(-w.policy.Orphans)
	return w.Files.Walk(ctx, func(page []artifact.Stored) error {
		var old []artifact.Stored
		var paths []string
		for _, f := range page {
			if f.ModTime.Before(limit) {
				old, paths = append(old, f), append(paths, f.Path)
			}
		}
		if len(old) == 0 {
			w.tell()
			return nil
		}
		recorded, err := w.Records.Recorded(ctx, paths)
		if err != nil {
			return err
		}
		gone, seen := []File{}, Amounts{}
		for _, f := range old {
			if !recorded[f.Path] {
				gone = append(gone, File{Path: f.Path, Bytes: f.Bytes})
				seen.Add(OrphanFiles, 1, f.Bytes)
			}
		}
		if len(gone) == 0 {
			return nil
		}
		if !w.dryRun {
			if err := w.remove(ctx, gone); err != nil {
				return err
			}
		}
		return w.note(ctx, seen)
	})
}

// Work is the form in which activities carry a clean-up out for a job.
func (c *Cleaner) Work(ctx context.Context, id string, data json.RawMessage, show func(any)) (any, error) {
	request, err := ParseRequest(data)
	if err != nil {
		return nil, err
	}
	return c.Run(ctx, id, request, func(p Progress) { show(p) })
}
