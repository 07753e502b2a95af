package redisbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/store"
)

// overdue is how long after its time the newest job of a scheduler may be gone before the next one is added for it.
const overdue = 5 * time.Second

// keepSchedulers makes the records of job schedulers follow Redis, and adds the next job of those that nobody armed: the
// attempt that began the last one could not.
func (in *inlet) keepSchedulers(ctx context.Context, s bullmq.Snapshot) error {
	kept, err := in.store.Schedulers(ctx, in.def.Name)
	if err != nil {
		return fmt.Errorf("listing the job schedulers of queue %s: %w", in.def.Name, err)
	}
	if len(kept) == 0 && len(s.Schedulers) == 0 {
		return nil
	}
	evicted, err := in.evicted(ctx, in.def.Name)
	if err != nil {
		return err
	}
	known := make(map[string]store.JobScheduler, len(kept))
	for _, js := range kept {
		known[js.ID] = js
		if _, there := s.Schedulers[js.ID]; !there && !evicted {
			in.log.InfoContext(ctx, "a client removed a job scheduler", "scheduler", js.ID)
			in.faults.note(js.ID, "")
			if err := in.store.DeleteScheduler(ctx, in.def.Name, js.ID); err != nil {
				return fmt.Errorf("forgetting job scheduler %s: %w", js.ID, err)
			}
		}
	}
	records, err := in.projector.SchedulerRecords(ctx, in.def.Name, s.Schedulers)
	if err != nil {
		return err
	}
	for _, r := range records {
		if len(r.Fields) == 0 || !storable(r.ID) {
			continue // an old client's way to repeat a job, or half a scheduler
		}
		if err := in.keep(ctx, known[r.ID], &r); err != nil {
			return err
		}
		if err := in.rearm(ctx, s, r); err != nil {
			return err
		}
	}
	return nil
}

// keepSchedulerOf keeps the scheduler of a job that was taken over: Redis may lose it before the next look at the whole queue.
func (in *inlet) keepSchedulerOf(ctx context.Context, job queue.Job) error {
	slot, err := strconv.ParseInt(job.ID[strings.LastIndex(job.ID, ":")+1:], 10, 64)
	if err != nil || !storable(job.Scheduler) {
		return nil //nolint:nilerr // some client's own idea of a scheduler's job
	}
	next := map[string]time.Time{job.Scheduler: time.UnixMilli(slot)}
	records, err := in.projector.SchedulerRecords(ctx, in.def.Name, next)
	if err != nil {
		return err
	}
	if r := records[0]; len(r.Fields) > 0 {
		return in.keep(ctx, store.JobScheduler{}, &r)
	}
	return nil
}

// keep makes the record of a scheduler follow Redis's, which it completes: clients of version 5.34 say only in the options of
// each job which one it is, and how many there are to be.
func (in *inlet) keep(ctx context.Context, kept store.JobScheduler, r *bullmq.SchedulerRecord) error {
	made, limit := count(r.Fields, "ic"), count(r.Fields, "limit")
	if kept.Next.Equal(r.Next) {
		made, limit = max(made, count(kept.Fields, "ic")), max(limit, count(kept.Fields, "limit"))
	} else {
		views, err := in.projector.Look(ctx, in.def.Name, []string{bullmq.SchedulerJob(*r).ID})
		if err != nil {
			return err
		}
		nth, of := bullmq.Iteration(json.RawMessage(views[0].Fields["opts"]))
		made, limit = max(made, nth), max(limit, of)
	}
	for name, n := range map[string]int{"ic": made, "limit": limit} {
		if n > 0 {
			r.Fields[name] = strconv.Itoa(n)
		}
	}
	if kept.Next.Equal(r.Next) && maps.Equal(kept.Fields, r.Fields) {
		return nil
	}
	if err := in.store.SaveScheduler(ctx, in.def.Name, store.JobScheduler{ID: r.ID, Fields: r.Fields, Next: r.Next}); err != nil {
		return fmt.Errorf("keeping job scheduler %s: %w", r.ID, err)
	}
	return nil
}

func count(fields map[string]string, name string) int {
	n, err := strconv.Atoi(fields[name])
	if err != nil {
		return 0
	}
	return n
}

// rearm adds the job after the newest one of a scheduler, if that has begun or is gone.
func (in *inlet) rearm(ctx context.Context, s bullmq.Snapshot, r bullmq.SchedulerRecord) error {
	job := bullmq.SchedulerJob(r)
	state, there := s.Places[job.ID].State()
	if time.Since(r.Next) < overdue || there && (state == bullmq.Waiting || state == bullmq.Delayed) {
		return nil
	}
	views, err := in.projector.Look(ctx, in.def.Name, []string{job.ID})
	if err != nil {
		return err
	}
	if views[0].Exists() {
		job = bullmq.DecodeJob(job.ID, views[0].Fields)
	}
	next, err := in.client.ArmNext(ctx, job)
	if err != nil {
		in.log.WarnContext(ctx, "the next job of a scheduler could not be added", "scheduler", r.ID, "error", explain(err))
		return nil
	}
	if next != "" && !in.faults.known(r.ID) {
		in.log.WarnContext(ctx, "a scheduler that had stopped goes on", "scheduler", r.ID, "job_id", next)
	}
	return nil
}

// faults are why jobs of schedulers can't be carried out, by scheduler. Such a scheduler makes job after job, each of which
// fails, as it would with a BullMQ worker: that is said once, not each time.
type faults struct {
	mu      sync.Mutex
	reasons map[string]string
}

// note says whether that is news. No reason: the scheduler's newest job was understood.
func (f *faults) note(scheduler, reason string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reasons == nil {
		f.reasons = map[string]string{}
	}
	news := f.reasons[scheduler] != reason
	if f.reasons[scheduler] = reason; reason == "" {
		delete(f.reasons, scheduler)
	}
	return news
}

func (f *faults) known(scheduler string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reasons[scheduler] != ""
}

// restoreSchedulers shows the job schedulers again that Redis lost.
func (r *relay) restoreSchedulers(ctx context.Context) error {
	kept, err := r.store.Schedulers(ctx, r.queue)
	if err != nil {
		return err
	}
	records := make([]bullmq.SchedulerRecord, len(kept))
	for i, js := range kept {
		records[i] = bullmq.SchedulerRecord{ID: js.ID, Fields: js.Fields, Next: js.Next}
	}
	return r.projector.RestoreSchedulers(ctx, r.queue, records)
}
