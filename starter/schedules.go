package starter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	sdkclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/workflows"
)

const (
	scheduledWorkflow = "ScheduledRun"
	schedulePrefix    = "schedule/"
	describedAtOnce   = 8
	// MostSchedules is how many schedules a list has at the most.
	MostSchedules = 200
	// mostBackfill is how much time one backfill makes up for.
	mostBackfill = 31 * 24 * time.Hour
)

// KeptSchedule is a schedule as Temporal has it.
type KeptSchedule struct {
	ID string
	Schedule
	CreatedAt time.Time
	Next      []time.Time
	Recent    []ScheduleAction
	// Running are the ids of the workflows that go on.
	Running []string
	// Started, Skipped and Missed count times: those left out because a run went on, and those that were too late to make up for.
	Started, Skipped, Missed int
}

// ScheduleAction is a time at which a schedule started something.
type ScheduleAction struct {
	At         time.Time `json:"at"`
	StartedAt  time.Time `json:"startedAt"`
	WorkflowID string    `json:"workflowId"`
}

// TemporalScheduleID is the id that Temporal knows a schedule by.
func TemporalScheduleID(id string) string { return schedulePrefix + id }

func (s *Starter) schedule(ctx context.Context, id string) sdkclient.ScheduleHandle {
	return s.Temporal.ScheduleClient().GetHandle(ctx, TemporalScheduleID(id))
}

// SaveSchedule stores a schedule in Temporal, in the place of the one of that id if there is one.
func (s *Starter) SaveSchedule(ctx context.Context, id string, sc Schedule) (created bool, err error) {
	if err := s.checkSchedule(ctx, &sc); err != nil {
		return false, err
	}
	action, err := sc.action(id)
	if err != nil {
		return false, err
	}
	overlap, _ := sc.Overlap.policy()
	catchUp := defaultCatchUp
	if sc.CatchUp > 0 {
		catchUp = milliseconds(sc.CatchUp)
	}
	spec := sc.spec()
	soon, cancel := context.WithTimeout(ctx, temporalWithin)
	defer cancel()
	err = s.schedule(soon, id).Update(soon, sdkclient.ScheduleUpdateOptions{
		DoUpdate: func(in sdkclient.ScheduleUpdateInput) (*sdkclient.ScheduleUpdate, error) {
			kept := in.Description.Schedule
			kept.Action, kept.Spec = action, &spec
			kept.Policy = &sdkclient.SchedulePolicies{Overlap: overlap, CatchupWindow: catchUp}
			if sc.Paused != nil {
				kept.State.Paused = *sc.Paused
			}
			if sc.Note != nil {
				kept.State.Note = *sc.Note
			}
			return &sdkclient.ScheduleUpdate{Schedule: &kept}, nil
		},
	})
	if !isMissing(err) {
		return false, refusedSpec(err)
	}
	_, err = s.Temporal.ScheduleClient().Create(soon, sdkclient.ScheduleOptions{
		ID: TemporalScheduleID(id), Spec: spec, Action: action, Overlap: overlap, CatchupWindow: catchUp,
		Paused: orZero(sc.Paused), Note: orZero(sc.Note),
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return false, fault.New(fault.Conflict, "schedule %q was created a moment ago", id)
	}
	return err == nil, refusedSpec(err)
}

// action is what Temporal starts when it is time. Its input is the definition, which is where it is read from again.
func (s *Schedule) action(id string) (*sdkclient.ScheduleWorkflowAction, error) {
	kept := *s
	kept.Paused, kept.Note = nil, nil // Temporal has them, and they change there
	definition, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("encoding the schedule: %w", err)
	}
	action := &sdkclient.ScheduleWorkflowAction{
		ID: "scheduled/" + id, Workflow: scheduledWorkflow, TaskQueue: queue.TestExecution,
		Args:          []any{workflows.ScheduledRunInput{ScheduleID: id, Definition: definition}},
		StaticSummary: activities.Summary("Schedule " + id),
	}
	attributes := []temporal.SearchAttributeUpdate{}
	if s.TestCaseID != "" {
		attributes = append(attributes, workflows.TestCaseID.ValueSet(s.TestCaseID))
	}
	if s.Run.UserID != "" {
		attributes = append(attributes, workflows.UserID.ValueSet(s.Run.UserID))
	}
	action.TypedSearchAttributes = temporal.NewSearchAttributes(attributes...)
	return action, nil
}

// Schedule returns a schedule as Temporal has it.
func (s *Starter) Schedule(ctx context.Context, id string) (KeptSchedule, error) {
	soon, cancel := context.WithTimeout(ctx, temporalWithin)
	defer cancel()
	return s.describeSchedule(soon, id)
}

func (s *Starter) describeSchedule(ctx context.Context, id string) (KeptSchedule, error) {
	found, err := s.schedule(ctx, id).Describe(ctx)
	if err != nil {
		return KeptSchedule{}, ofSchedule(id, err)
	}
	kept := KeptSchedule{
		ID: id, CreatedAt: found.Info.CreatedAt, Next: found.Info.NextActionTimes,
		Started: found.Info.NumActions, Skipped: found.Info.NumActionsSkippedOverlap, Missed: found.Info.NumActionsMissedCatchupWindow,
	}
	if err := s.decodeSchedule(found.Schedule.Action, &kept.Schedule); err != nil {
		return kept, fmt.Errorf("reading schedule %s: %w", id, err)
	}
	if state := found.Schedule.State; state != nil {
		kept.Paused, kept.Note = &state.Paused, &state.Note
	}
	for _, running := range found.Info.RunningWorkflows {
		kept.Running = append(kept.Running, running.WorkflowID)
	}
	for _, recent := range found.Info.RecentActions {
		if recent.StartWorkflowResult != nil {
			kept.Recent = append(kept.Recent, ScheduleAction{At: recent.ScheduleTime, StartedAt: recent.ActualTime, WorkflowID: recent.StartWorkflowResult.WorkflowID})
		}
	}
	return kept, nil
}

// decodeSchedule reads the definition out of what Temporal starts.
func (s *Starter) decodeSchedule(action sdkclient.ScheduleAction, into *Schedule) error {
	started, ok := action.(*sdkclient.ScheduleWorkflowAction)
	if !ok || len(started.Args) != 1 {
		return fault.New(fault.Internal, "it does not start one workflow")
	}
	sealed, ok := started.Args[0].(*commonpb.Payload)
	if !ok {
		return fault.New(fault.Internal, "what it starts can't be read")
	}
	data := s.Data
	if data == nil {
		data = converter.GetDefaultDataConverter()
	}
	var input workflows.ScheduledRunInput
	if err := data.FromPayload(sealed, &input); err != nil {
		return fmt.Errorf("decoding what it starts: %w", err)
	}
	if err := json.Unmarshal(input.Definition, into); err != nil {
		return fmt.Errorf("decoding its definition: %w", err)
	}
	return nil
}

// Schedules lists the schedules of runs, in the order of their ids. A new one appears in it after a moment.
func (s *Starter) Schedules(ctx context.Context) ([]KeptSchedule, error) {
	soon, cancel := context.WithTimeout(ctx, 5*temporalWithin)
	defer cancel()
	found, err := s.Temporal.ScheduleClient().List(soon, sdkclient.ScheduleListOptions{PageSize: 200})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "listing the schedules")
	}
	var ids []string
	for found.HasNext() && len(ids) < MostSchedules {
		entry, err := found.Next()
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "listing the schedules")
		}
		if id, ours := strings.CutPrefix(entry.ID, schedulePrefix); ours && entry.WorkflowType.Name == scheduledWorkflow {
			ids = append(ids, id)
		}
	}
	all := make([]KeptSchedule, len(ids))
	group, each := errgroup.WithContext(soon)
	group.SetLimit(describedAtOnce)
	for i, id := range ids {
		group.Go(func() error {
			kept, err := s.describeSchedule(each, id)
			if err == nil {
				all[i] = kept
			} else if fault.Of(err) != fault.NotFound { // one that was deleted is listed for a moment
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(k KeptSchedule) bool { return k.ID == "" })
	slices.SortFunc(all, func(a, b KeptSchedule) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// DeleteSchedule removes a schedule. What it has started goes on.
func (s *Starter) DeleteSchedule(ctx context.Context, id string) error {
	return s.withSchedule(ctx, id, func(ctx context.Context, h sdkclient.ScheduleHandle) error { return h.Delete(ctx) })
}

// PauseSchedule stops a schedule until it is resumed. What it has started goes on.
func (s *Starter) PauseSchedule(ctx context.Context, id, note string) error {
	if !noteFits(note) {
		return fault.InvalidField("note", "it must be at most %d characters", mostNote)
	}
	return s.withSchedule(ctx, id, func(ctx context.Context, h sdkclient.ScheduleHandle) error {
		return h.Pause(ctx, sdkclient.SchedulePauseOptions{Note: note})
	})
}

// ResumeSchedule lets a schedule that was paused go on.
func (s *Starter) ResumeSchedule(ctx context.Context, id, note string) error {
	if !noteFits(note) {
		return fault.InvalidField("note", "it must be at most %d characters", mostNote)
	}
	return s.withSchedule(ctx, id, func(ctx context.Context, h sdkclient.ScheduleHandle) error {
		return h.Unpause(ctx, sdkclient.ScheduleUnpauseOptions{Note: note})
	})
}

// TriggerSchedule runs what a schedule asks for now, paused or not. Without a policy for overlaps the schedule's own counts.
func (s *Starter) TriggerSchedule(ctx context.Context, id string, overlap Overlap) error {
	options := sdkclient.ScheduleTriggerOptions{}
	if overlap != "" {
		var ok bool
		if options.Overlap, ok = overlap.policy(); !ok {
			return fault.InvalidField("overlap", overlapRule)
		}
	}
	return s.withSchedule(ctx, id, func(ctx context.Context, h sdkclient.ScheduleHandle) error { return h.Trigger(ctx, options) })
}

// Backfill is a span of time whose runs are made up for.
type Backfill struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// Overlap is bufferAll if it is empty: the runs follow each other.
	Overlap Overlap `json:"overlap,omitempty"`
}

// BackfillSchedule starts the runs that a schedule would have started in a span of time.
func (s *Starter) BackfillSchedule(ctx context.Context, id string, b Backfill) error {
	if b.Overlap == "" {
		b.Overlap = OverlapBufferAll
	}
	overlap, ok := b.Overlap.policy()
	err := validated(func(bad report) {
		if b.Start.IsZero() || !b.End.After(b.Start) || b.End.Sub(b.Start) > mostBackfill {
			bad("end", "it must be after start, by 31 days at the most")
		}
		if b.End.After(time.Now()) {
			bad("end", "it must not be in the future")
		}
		if !ok {
			bad("overlap", overlapRule)
		}
	})
	if err != nil {
		return err
	}
	return s.withSchedule(ctx, id, func(ctx context.Context, h sdkclient.ScheduleHandle) error {
		return h.Backfill(ctx, sdkclient.ScheduleBackfillOptions{Backfill: []sdkclient.ScheduleBackfill{{Start: b.Start, End: b.End, Overlap: overlap}}})
	})
}

func (s *Starter) withSchedule(ctx context.Context, id string, do func(ctx context.Context, h sdkclient.ScheduleHandle) error) error {
	soon, cancel := context.WithTimeout(ctx, temporalWithin)
	defer cancel()
	return ofSchedule(id, do(soon, s.schedule(soon, id)))
}

func isMissing(err error) bool {
	_, missing := errors.AsType[*serviceerror.NotFound](err)
	return missing
}

// ofSchedule gives an error of Temporal's its code.
func ofSchedule(id string, err error) error {
	switch {
	case err == nil:
		return nil
	case isMissing(err):
		return fault.New(fault.NotFound, "there is no schedule %q", id)
	default:
		return fault.Wrap(fault.Unavailable, err, "asking Temporal about schedule %q", id)
	}
}

// refusedSpec says that Temporal does not take the times.
func refusedSpec(err error) error {
	if refused, ok := errors.AsType[*serviceerror.InvalidArgument](err); ok {
		return fault.InvalidField("cron", "Temporal does not take it: %s", refused.Error())
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "storing the schedule in Temporal")
	}
	return nil
}
