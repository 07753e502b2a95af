package starter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	sdkclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/workflows"
)

// The ids of the Temporal schedules that clean up, and that learn of all cases.
const (
	CleanupSchedule  = "cinnamon-cleanup"
	LearningSchedule = "cinnamon-learning"
)

const (
	// scheduleCatchUp is how long a job may be late: the next one makes up for it.
	scheduleCatchUp = time.Hour
	scheduleRetry   = 10 * time.Second
)

// schedule is a job that Temporal adds to a queue again and again.
type schedule struct {
	id, queue, name, cron string
	data                  json.RawMessage
}

// KeepSchedules makes the schedules what the settings say, again and again until Temporal answers.
//
// Several processes may do so: a schedule that somebody paused stays paused.
func (s *Starter) KeepSchedules(ctx context.Context, cfg config.Config) {
	missing := []schedule{
		{id: CleanupSchedule, queue: queue.Cleanup, name: "scheduled", cron: cfg.Cleanup.Cron},
		{id: LearningSchedule, queue: queue.AdaptationLearning, name: "scheduled", cron: cfg.Learning.Cron},
	}
	for {
		missing = slices.DeleteFunc(missing, func(want schedule) bool {
			err := s.ensure(ctx, want)
			if err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "a schedule could not be set up", "schedule", want.id, "error", err)
			}
			return err == nil || fault.Of(err) == fault.Invalid
		})
		if len(missing) == 0 {
			return
		}
		select {
		case <-time.After(scheduleRetry):
		case <-ctx.Done():
			return
		}
	}
}

func (s *Starter) ensure(ctx context.Context, want schedule) error {
	ctx, cancel := context.WithTimeout(ctx, 3*temporalWithin)
	defer cancel()
	handle := s.Temporal.ScheduleClient().GetHandle(ctx, want.id)
	if want.cron == config.CronOff {
		err := handle.Delete(ctx)
		if _, gone := errors.AsType[*serviceerror.NotFound](err); err != nil && !gone {
			return fault.Wrap(fault.Unavailable, err, "removing schedule %s", want.id)
		}
		return nil
	}
	spec := sdkclient.ScheduleSpec{CronExpressions: []string{want.cron}}
	action := &sdkclient.ScheduleWorkflowAction{
		ID: want.id, Workflow: "ScheduledJob", TaskQueue: want.queue,
		Args: []any{workflows.ScheduledInput{Queue: want.queue, Name: want.name, Data: want.data}},
	}
	_, err := s.Temporal.ScheduleClient().Create(ctx, sdkclient.ScheduleOptions{
		ID: want.id, Spec: spec, Action: action, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: scheduleCatchUp,
		Note: "Cinnamon keeps this schedule as its settings say",
	})
	switch {
	case err == nil:
		s.Log.InfoContext(ctx, "a schedule was set up", "schedule", want.id, "cron", want.cron)
		return nil
	case !errors.Is(err, temporal.ErrScheduleAlreadyRunning):
		return refused(err, want)
	}
	err = handle.Update(ctx, sdkclient.ScheduleUpdateOptions{
		DoUpdate: func(in sdkclient.ScheduleUpdateInput) (*sdkclient.ScheduleUpdate, error) {
			is := in.Description.Schedule
			is.Spec, is.Action = &spec, action
			is.Policy.Overlap, is.Policy.CatchupWindow = enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, scheduleCatchUp
			return &sdkclient.ScheduleUpdate{Schedule: &is}, nil
		},
	})
	if err != nil {
		return refused(err, want)
	}
	return nil
}

func refused(err error, want schedule) error {
	if _, invalid := errors.AsType[*serviceerror.InvalidArgument](err); invalid {
		return fault.Wrap(fault.Invalid, err, "Temporal does not understand when %s is to run: %q", want.id, want.cron)
	}
	return fault.Wrap(fault.Unavailable, fmt.Errorf("setting up schedule %s: %w", want.id, err), "the schedule could not be set up")
}
