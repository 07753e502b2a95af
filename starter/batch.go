package starter

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

const (
	// MostBatched is how many runs one batch may have.
	MostBatched = 500
	// startAtOnce is how many workflows of accepted runs are being started at the same time.
	startAtOnce = 8
)

// Batched says what became of one run of a batch.
type Batched struct {
	Run     store.Run
	Created bool
	Err     error // why it was not accepted
}

// SubmitBatch accepts runs as Submit does, in few round trips, and says of each in their order what became of it. Their workflows are
// started by Sweep, the most urgent first.
func (s *Starter) SubmitBatch(ctx context.Context, requests []Request) ([]Batched, error) {
	if len(requests) == 0 || len(requests) > MostBatched {
		return nil, fault.InvalidField("runs", "there must be between 1 and %d of them", MostBatched)
	}
	known, err := s.knowing(ctx, requests)
	if err != nil {
		return nil, err
	}
	results := make([]Batched, len(requests))
	var runs []store.NewRun
	var starts []store.Start
	var places []int
	for i, r := range requests {
		n, start, err := known.prepare(ctx, r)
		if err != nil {
			if code := fault.Of(err); code != fault.Invalid {
				return nil, fmt.Errorf("preparing runs[%d]: %w", i, err)
			}
			results[i].Err = err
			continue
		}
		runs, starts, places = append(runs, n), append(starts, start), append(places, i)
	}
	if len(runs) == 0 {
		return results, nil
	}
	created, err := s.Store.CreateRuns(ctx, runs)
	if err != nil {
		return nil, err
	}
	found, err := s.found(ctx, created)
	if err != nil {
		return nil, err
	}
	var begin []store.Start
	for at, c := range created {
		r := &results[places[at]]
		r.Run, r.Created, r.Err = found[c.RunID], c.Created, c.Err
		if c.Created {
			begin = append(begin, starts[at])
		}
	}
	s.startSoon(ctx, begin)
	return results, nil
}

// found reads the runs that a batch has come to.
func (s *Starter) found(ctx context.Context, created []store.Created) (map[string]store.Run, error) {
	var ids []string
	for _, c := range created {
		if c.Err == nil {
			ids = append(ids, c.RunID)
		}
	}
	found := make(map[string]store.Run, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	runs, err := s.Store.Runs(ctx, ids, len(ids))
	for _, run := range runs {
		found[run.ID] = run
	}
	return found, err
}

// startSoon leaves runs to Sweep, the most urgent first. What there is no room for it finds by itself a little later.
func (s *Starter) startSoon(ctx context.Context, starts []store.Start) {
	slices.SortStableFunc(starts, func(a, b store.Start) int {
		return cmp.Compare(s.PriorityScale.key(a.Priority), s.PriorityScale.key(b.Priority))
	})
	log := obs.Named(s.Log, obs.QueueLog(queue.TestExecution))
	for _, st := range starts {
		log.DebugContext(ctx, obs.JobAdded, "job_id", st.RunID, "queue", st.Queue, "test_run_id", st.RunID, "test_case_id", st.TestCaseID)
		select {
		case s.soon <- st:
		default:
		}
	}
}

// startAccepted starts runs that were accepted together until ctx ends.
func (s *Starter) startAccepted(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case st := <-s.soon:
			soon, cancel := context.WithTimeout(ctx, temporalWithin)
			if err := s.start(soon, st); err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "the workflow could not be started yet; it will be", "test_run_id", st.RunID, "error", err)
			}
			cancel()
		}
	}
}

// knowing is a starter that has read the stored cases of requests, all at once.
func (s *Starter) knowing(ctx context.Context, requests []Request) (*Starter, error) {
	ids := map[string]bool{}
	for _, r := range requests {
		if ValidID(r.TestCaseID) {
			ids[r.TestCaseID] = true
		}
	}
	known := knownCases{Store: s.Store, cases: make(map[string]store.TestCase, len(ids))}
	if len(ids) > 0 {
		found, err := s.Store.FindCases(ctx, slices.Collect(maps.Keys(ids)))
		if err != nil {
			return nil, err
		}
		for _, c := range found {
			known.cases[c.ID] = c
		}
	}
	other := *s
	other.Store = known
	return &other, nil
}

// knownCases is a store whose cases were read before.
type knownCases struct {
	Store
	cases map[string]store.TestCase
}

// Case returns one of them.
func (k knownCases) Case(_ context.Context, id string) (store.TestCase, error) {
	if c, ok := k.cases[id]; ok {
		return c, nil
	}
	return store.TestCase{}, fault.New(fault.NotFound, "there is no test case %q", id)
}
