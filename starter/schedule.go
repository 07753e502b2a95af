package starter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	enumspb "go.temporal.io/api/enums/v1"
	sdkclient "go.temporal.io/sdk/client"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// Schedule says what runs when, again and again: a stored case or a stored suite.
type Schedule struct {
	// TestCaseID names a stored case, SuiteID a stored suite. Exactly one of them is needed.
	TestCaseID string `json:"testCaseId,omitempty"`
	SuiteID    string `json:"suiteId,omitempty"`
	// Run is what the runs are like.
	Run ScheduledRequest `json:"run,omitzero"`

	// Cron holds patterns of five fields (or @daily and the like); Every is an interval in milliseconds, Offset shifts its times.
	// At least one of Cron and Every is needed.
	Cron   []string `json:"cron,omitempty"`
	Every  int64    `json:"every,omitempty"`
	Offset int64    `json:"offset,omitempty"`
	// TimeZone is that of the patterns, such as Europe/Berlin; UTC if it is empty.
	TimeZone string `json:"timeZone,omitempty"`
	// Jitter delays each time by a random while of up to so many milliseconds.
	Jitter int64 `json:"jitter,omitempty"`
	// StartAt and EndAt bound the times.
	StartAt time.Time `json:"startAt,omitzero"`
	EndAt   time.Time `json:"endAt,omitzero"`
	// Overlap says what happens when it is time and the run before has not ended.
	Overlap Overlap `json:"overlap,omitempty"`
	// CatchUp is how late a time may be made up for that was missed because Temporal was away, in milliseconds.
	CatchUp int64 `json:"catchUp,omitempty"`
	// Paused stops the schedule, or lets it go on; without it a schedule stays as it is. Note says why, or anything.
	Paused *bool   `json:"paused,omitempty"`
	Note   *string `json:"note,omitempty"`
}

// ScheduledRequest is what the runs of a schedule are like, as in a request for one.
type ScheduledRequest struct {
	UserID   string         `json:"userId,omitempty"`
	Priority Priority       `json:"priority,omitzero"`
	Attempts int            `json:"attempts,omitempty"`
	Config   *RequestConfig `json:"config,omitempty"`
	// Parallel and FailFast are those of a suite.
	Parallel *int  `json:"parallel,omitempty"`
	FailFast *bool `json:"failFast,omitempty"`
}

// Overlap says what happens when it is time for a run and the one before has not ended.
type Overlap string

// The policies for overlaps.
const (
	// OverlapSkip leaves the run out.
	OverlapSkip Overlap = "skip"
	// OverlapBufferOne runs it afterwards, and leaves further ones out.
	OverlapBufferOne Overlap = "bufferOne"
	// OverlapBufferAll runs all of them, one after the other.
	OverlapBufferAll Overlap = "bufferAll"
	// OverlapCancelOther cancels what runs, and then runs it.
	OverlapCancelOther Overlap = "cancelOther"
	// OverlapAllowAll runs it beside the other.
	OverlapAllowAll Overlap = "allowAll"
)

// policy is Temporal's name of it.
func (o Overlap) policy() (enumspb.ScheduleOverlapPolicy, bool) {
	switch o {
	case "", OverlapSkip:
		return enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, true
	case OverlapBufferOne:
		return enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE, true
	case OverlapBufferAll:
		return enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL, true
	case OverlapCancelOther:
		return enumspb.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER, true
	case OverlapAllowAll:
		return enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, true
	default:
		return 0, false
	}
}

const overlapRule = "it must be skip, bufferOne, bufferAll, cancelOther or allowAll"

const (
	leastEvery     = time.Second
	mostEvery      = 366 * 24 * time.Hour
	mostJitter     = 24 * time.Hour
	defaultCatchUp = time.Minute
	leastCatchUp   = 10 * time.Second
	mostCatchUp    = 366 * 24 * time.Hour
	mostPatterns   = 20
	mostNote       = 500
)

func (s *Schedule) check(bad report) {
	between := func(field string, value int64, least, most time.Duration) {
		if value < least.Milliseconds() || value > most.Milliseconds() {
			bad(field, "it must be between %d and %d milliseconds", least.Milliseconds(), most.Milliseconds())
		}
	}
	if (s.TestCaseID == "") == (s.SuiteID == "") {
		bad("testCaseId", "give the id of a stored test case here, or that of a stored suite as suiteId")
	}
	if s.TestCaseID != "" && (s.Run.Parallel != nil || s.Run.FailFast != nil) {
		bad("run", "parallel and failFast are for suites")
	}
	if len(s.Cron) == 0 && s.Every == 0 {
		bad("cron", "say when: patterns here, or an interval in milliseconds as every")
	}
	if len(s.Cron) > mostPatterns {
		bad("cron", "there may be %d patterns at the most", mostPatterns)
	}
	if s.Every != 0 {
		between("every", s.Every, leastEvery, mostEvery)
	}
	if s.Offset < 0 || (s.Offset > 0 && s.Offset >= s.Every) {
		bad("offset", "it must be less than every, which it shifts")
	}
	if _, err := time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "Local" {
		bad("timeZone", "%q is not the name of a time zone, such as Europe/Berlin", s.TimeZone)
	}
	between("jitter", s.Jitter, 0, mostJitter)
	if !s.EndAt.IsZero() && !s.EndAt.After(s.StartAt) {
		bad("endAt", "it must be after startAt")
	}
	if _, ok := s.Overlap.policy(); !ok {
		bad("overlap", overlapRule)
	}
	if s.CatchUp != 0 {
		between("catchUp", s.CatchUp, leastCatchUp, mostCatchUp)
	}
	if s.Note != nil && !noteFits(*s.Note) {
		bad("note", "it must be at most %d characters", mostNote)
	}
}

func noteFits(note string) bool {
	return utf8.ValidString(note) && utf8.RuneCountInString(note) <= mostNote
}

// checkSchedule says what is wrong with a schedule: it must be possible to run what it asks for now.
func (s *Starter) checkSchedule(ctx context.Context, sc *Schedule) error {
	if err := validated(sc.check); err != nil {
		return err
	}
	if sc.SuiteID == "" {
		_, _, err := s.prepare(ctx, sc.request("", ""))
		return inRun(err)
	}
	r := sc.suiteRequest("", "")
	if err := s.complete(ctx, &r); fault.Of(err) == fault.NotFound {
		return fault.InvalidField("suiteId", "there is no suite %q", sc.SuiteID)
	} else if err != nil {
		return err
	}
	_, err := s.prepareSuite(ctx, r)
	return inRun(err)
}

// inRun says where in a schedule the fields of a request are.
func inRun(err error) error {
	inner, ok := errors.AsType[*fault.Error](err)
	if !ok || inner.Code != fault.Invalid {
		return err
	}
	outer := fault.New(inner.Code, "%s", inner.Message)
	for _, f := range inner.Fields {
		if f.Field != "testCaseId" && f.Field != "suiteId" {
			f.Field = "run." + f.Field
		}
		outer.Fields = append(outer.Fields, f)
	}
	return outer
}

// spec is what Temporal knows of a schedule's times.
func (s *Schedule) spec() sdkclient.ScheduleSpec {
	spec := sdkclient.ScheduleSpec{
		CronExpressions: s.Cron, StartAt: s.StartAt, EndAt: s.EndAt, TimeZoneName: s.TimeZone, Jitter: milliseconds(s.Jitter),
	}
	if s.Every > 0 {
		spec.Intervals = []sdkclient.ScheduleIntervalSpec{{Every: milliseconds(s.Every), Offset: milliseconds(s.Offset)}}
	}
	return spec
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// request asks for a run of the schedule's case.
func (s *Schedule) request(scheduleID, key string) Request {
	return Request{
		TestCaseID: s.TestCaseID, UserID: s.Run.UserID, Priority: s.Run.Priority, Attempts: s.Run.Attempts, Config: s.Run.Config,
		IdempotencyKey: keyOf(scheduleID, key),
	}
}

// suiteRequest asks for a run of the schedule's suite.
func (s *Schedule) suiteRequest(scheduleID, key string) SuiteRequest {
	return SuiteRequest{
		SuiteID: s.SuiteID, UserID: s.Run.UserID, Config: s.Run.Config, IdempotencyKey: keyOf(scheduleID, key),
		SuiteSettings: SuiteSettings{
			Parallel: s.Run.Parallel, FailFast: s.Run.FailFast, Attempts: s.Run.Attempts, Priority: s.Run.Priority,
		},
	}
}

// keyOf is the idempotency key of a run: ids fit into it, whatever their length.
func keyOf(scheduleID, key string) string {
	if key == "" {
		return ""
	}
	return key + " " + scheduleID
}

// SubmitScheduled submits what a schedule asks for; called again with the same key, it finds what it submitted.
func (s *Starter) SubmitScheduled(ctx context.Context, in activities.SubmitScheduledInput) (activities.Scheduled, error) {
	var sc Schedule
	if err := json.Unmarshal(in.Definition, &sc); err != nil {
		return activities.Scheduled{}, fault.Wrap(fault.Internal, err, "decoding schedule %s", in.ScheduleID)
	}
	if sc.SuiteID != "" {
		run, _, err := s.SubmitSuite(ctx, sc.suiteRequest(in.ScheduleID, in.Key))
		return activities.Scheduled{SuiteRunID: run.ID}, s.submittedBy(ctx, in.ScheduleID, run.ID, err)
	}
	run, _, err := s.Submit(ctx, sc.request(in.ScheduleID, in.Key))
	return activities.Scheduled{TestRunID: run.ID}, s.submittedBy(ctx, in.ScheduleID, run.ID, err)
}

func (s *Starter) submittedBy(ctx context.Context, scheduleID, id string, err error) error {
	if err != nil {
		return fmt.Errorf("submitting: %w", err)
	}
	s.Log.InfoContext(ctx, "schedule started a run", "schedule_id", scheduleID, "run_id", id)
	return nil
}
