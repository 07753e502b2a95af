package cli

import (
	"slices"
	"sync"
	"time"
)

// missingPolls is how many polls in a row may not know a run before it counts as gone.
const missingPolls = 25

// board holds all tests of an invocation; the starting and the watching side write to it, the views read snapshots.
type board struct {
	mu    sync.Mutex
	tests []test
}

// snapshot returns a copy of all tests.
func (b *board) snapshot() []test {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.tests)
}

// group returns the indexes of a group's tests.
func (b *board) group(g int) []int {
	var indexes []int
	for i := range b.tests {
		if b.tests[i].group == g {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

// change edits one test.
func (b *board) change(i int, edit func(*test)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	edit(&b.tests[i])
}

// open returns the ids of the runs that have not ended.
func (b *board) open() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []string
	for i := range b.tests {
		if b.tests[i].open() {
			ids = append(ids, b.tests[i].id)
		}
	}
	return ids
}

// ownerOf returns the path of what a run is cancelled with: its suite run, or itself.
func (b *board) ownerOf(id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.tests {
		if b.tests[i].id == id && b.tests[i].suiteRun != "" {
			return suiteRunPath(b.tests[i].suiteRun)
		}
	}
	return runPath(id)
}

// apply takes over what a poll for these ids found, and says whether anything was new.
func (b *board) apply(ids []string, runs []apiRun, now time.Time) (changed bool) {
	found := make(map[string]apiRun, len(runs))
	for _, run := range runs {
		found[run.TestRunID] = run
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.tests {
		t := &b.tests[i]
		if !t.open() || !slices.Contains(ids, t.id) {
			continue
		}
		run, ok := found[t.id]
		if !ok {
			t.missing++
			if t.missing >= missingPolls {
				t.lost = "the API does not know the run any more"
				changed = true
			}
			continue
		}
		t.missing = 0
		changed = changed || run != t.run
		if run.Status == statusRunning && (t.run.Status != statusRunning || t.run.Attempt != run.Attempt) {
			t.since = now
		}
		t.run = run
		t.links = run.Links.or(t.links)
	}
	return changed
}

// lose marks every open run as one whose end is not known.
func (b *board) lose(reason func(id string) string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.tests {
		if b.tests[i].open() {
			b.tests[i].lost = reason(b.tests[i].id)
		}
	}
}

// or fills in missing links from others.
func (l links) or(others links) links {
	pick := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	return links{Self: pick(l.Self, others.Self), Steps: pick(l.Steps, others.Steps), Temporal: pick(l.Temporal, others.Temporal)}
}
