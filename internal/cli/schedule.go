package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ScheduleOptions says what to run when.
type ScheduleOptions struct {
	SuiteOptions
	// Case or Suite is what runs; one of them.
	Case, Suite string
	Cron        []string
	Every       time.Duration
	Offset      time.Duration
	TimeZone    string
	Jitter      time.Duration
	StartAt     string
	EndAt       string
	Overlap     string
	CatchUp     time.Duration
	Paused      bool
	Note        string
	// What the runs are like.
	UserID, Priority     string
	Attempts             int
	Parallel             int
	FailFast             bool
	BaseURL, Environment string
}

// scheduleBody is the body of PUT /api/schedules/ID.
type scheduleBody struct {
	TestCaseID string        `json:"testCaseId,omitempty"`
	SuiteID    string        `json:"suiteId,omitempty"`
	Run        scheduledBody `json:"run,omitzero"`
	Cron       []string      `json:"cron,omitempty"`
	Every      int64         `json:"every,omitempty"`
	Offset     int64         `json:"offset,omitempty"`
	TimeZone   string        `json:"timeZone,omitempty"`
	Jitter     int64         `json:"jitter,omitempty"`
	StartAt    string        `json:"startAt,omitempty"`
	EndAt      string        `json:"endAt,omitempty"`
	Overlap    string        `json:"overlap,omitempty"`
	CatchUp    int64         `json:"catchUp,omitempty"`
	Paused     *bool         `json:"paused,omitempty"`
	Note       *string       `json:"note,omitempty"`
}

type scheduledBody struct {
	UserID   string           `json:"userId,omitempty"`
	Priority string           `json:"priority,omitempty"`
	Attempts int              `json:"attempts,omitempty"`
	Parallel *int             `json:"parallel,omitempty"`
	FailFast *bool            `json:"failFast,omitempty"`
	Config   *scheduledConfig `json:"config,omitempty"`
}

type scheduledConfig struct {
	BaseURL     string `json:"baseUrl,omitempty"`
	Environment string `json:"environment,omitempty"`
}

// apiSchedule is a schedule as the API shows it.
type apiSchedule struct {
	ScheduleID string       `json:"scheduleId"`
	Schedule   scheduleBody `json:"schedule"`
	Paused     bool         `json:"paused"`
	Note       string       `json:"note"`
	NextTimes  []time.Time  `json:"nextTimes"`
	Recent     []struct {
		At time.Time `json:"at"`
	} `json:"recent"`
	Running []string `json:"running"`
	Links   links    `json:"links"`
}

func (o *ScheduleOptions) body() scheduleBody {
	b := scheduleBody{
		TestCaseID: o.Case, SuiteID: o.Suite, Cron: o.Cron, Every: o.Every.Milliseconds(), Offset: o.Offset.Milliseconds(), TimeZone: o.TimeZone,
		Jitter: o.Jitter.Milliseconds(), StartAt: o.StartAt, EndAt: o.EndAt, Overlap: o.Overlap, CatchUp: o.CatchUp.Milliseconds(),
		Run: scheduledBody{UserID: o.UserID, Priority: o.Priority, Attempts: o.Attempts},
	}
	if o.Paused {
		b.Paused = &o.Paused
	}
	if o.Note != "" {
		b.Note = &o.Note
	}
	if o.Parallel > 0 {
		b.Run.Parallel = &o.Parallel
	}
	if o.FailFast {
		b.Run.FailFast = &o.FailFast
	}
	if o.BaseURL != "" || o.Environment != "" {
		b.Run.Config = &scheduledConfig{BaseURL: o.BaseURL, Environment: o.Environment}
	}
	return b
}

// times says in words when a schedule runs.
func (b *scheduleBody) times() string {
	var parts []string
	parts = append(parts, b.Cron...)
	if b.Every > 0 {
		parts = append(parts, "every "+humane(time.Duration(b.Every)*time.Millisecond))
	}
	text := strings.Join(parts, ", ")
	if b.TimeZone != "" {
		text += " " + b.TimeZone
	}
	return text
}

func (b *scheduleBody) target() string {
	if b.SuiteID != "" {
		return "suite " + b.SuiteID
	}
	return "case " + b.TestCaseID
}

func schedulePath(id string) string { return "/api/schedules/" + url.PathEscape(id) }

// SaveSchedule stores a schedule, in the place of the one of that id.
func SaveSchedule(ctx context.Context, o ScheduleOptions, id string) error {
	if (o.Case == "") == (o.Suite == "") {
		return usageError("say what runs: --case ID or --suite ID")
	}
	if len(o.Cron) == 0 && o.Every == 0 {
		return usageError("say when it runs: --cron PATTERN or --every 30m")
	}
	return changeSchedule(ctx, o.SuiteOptions, http.MethodPut, schedulePath(id), o.body(), id, "is stored")
}

// PauseSchedule stops a schedule until it is resumed.
func PauseSchedule(ctx context.Context, o ScheduleOptions, id string) error {
	return changeSchedule(ctx, o.SuiteOptions, http.MethodPost, schedulePath(id)+"/pause", map[string]string{"note": o.Note}, id, "is paused")
}

// ResumeSchedule lets a paused schedule go on.
func ResumeSchedule(ctx context.Context, o ScheduleOptions, id string) error {
	return changeSchedule(ctx, o.SuiteOptions, http.MethodPost, schedulePath(id)+"/resume", map[string]string{"note": o.Note}, id, "goes on")
}

// TriggerSchedule runs what a schedule asks for now.
func TriggerSchedule(ctx context.Context, o ScheduleOptions, id string) error {
	return changeSchedule(ctx, o.SuiteOptions, http.MethodPost, schedulePath(id)+"/trigger", map[string]string{"overlap": o.Overlap}, id, "was told to run now")
}

// BackfillSchedule makes up for the runs of a span of time.
func BackfillSchedule(ctx context.Context, o ScheduleOptions, id string) error {
	body := map[string]string{"overlap": o.Overlap}
	now := time.Now()
	for field, text := range map[string]string{"start": o.StartAt, "end": o.EndAt} {
		at, err := moment(text, now)
		if err != nil {
			return usageError("--%s is %q: it must be a time such as 2026-11-03T12:00:00Z, or how long ago, such as 24h", field, text)
		}
		if at == "" {
			at = now.UTC().Format(time.RFC3339)
		}
		body[field] = at
	}
	return changeSchedule(ctx, o.SuiteOptions, http.MethodPost, schedulePath(id)+"/backfill", body, id, "makes up for that time")
}

// DeleteSchedule removes a schedule.
func DeleteSchedule(ctx context.Context, o ScheduleOptions, id string) error {
	c := o.client()
	defer c.close()
	if err := c.call(ctx, http.MethodDelete, schedulePath(id), nil, "", nil); err != nil {
		return coded(id, err)
	}
	_, err := fmt.Fprintf(o.Stdout, "%s is deleted. What it has started goes on.\n", clean(id))
	return err
}

// ShowSchedule prints a schedule as the API shows it.
func ShowSchedule(ctx context.Context, o ScheduleOptions, id string) error {
	c := o.client()
	defer c.close()
	var shown json.RawMessage
	if err := c.get(ctx, schedulePath(id), &shown); err != nil {
		return coded(id, err)
	}
	return writeJSON(o.Stdout, shown)
}

// ListSchedules lists the schedules.
func ListSchedules(ctx context.Context, o ScheduleOptions) error {
	c := o.client()
	defer c.close()
	all, err := items[json.RawMessage](ctx, c, "/api/schedules")
	if err != nil {
		return coded("the schedules can't be listed", err)
	}
	rows := [][]string{{"SCHEDULE", "RUNS", "WHEN", "NEXT", "LAST", "RUNNING"}}
	for _, item := range all {
		var s apiSchedule
		if err := json.Unmarshal(item, &s); err != nil {
			return platformError("the schedules can't be listed: %s", err)
		}
		last := ""
		if n := len(s.Recent); n > 0 {
			last = ago(s.Recent[n-1].At)
		}
		rows = append(rows, []string{s.ScheduleID, clean(s.Schedule.target()), clean(s.Schedule.times()), s.next(), last, strconv.Itoa(len(s.Running))})
	}
	return o.show("schedules", all, rows, "There are no schedules. Store one: cinnamon schedule save ID --suite SUITE --cron '0 6 * * *'.")
}

func (s *apiSchedule) next() string {
	switch {
	case s.Paused && s.Note != "":
		return "paused: " + clean(s.Note)
	case s.Paused:
		return "paused"
	case len(s.NextTimes) == 0:
		return "never"
	default:
		return s.NextTimes[0].Local().Format("2006-01-02 15:04:05")
	}
}

func changeSchedule(ctx context.Context, o SuiteOptions, method, path string, body any, id, done string) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encoding the request: %w", err)
	}
	c := o.client()
	defer c.close()
	var shown json.RawMessage
	if err := c.call(ctx, method, path, text, "", &shown); err != nil {
		return coded(id, err)
	}
	if o.JSON {
		return writeJSON(o.Stdout, shown)
	}
	var s apiSchedule
	if err := json.Unmarshal(shown, &s); err != nil {
		return platformError("the API's answer can't be read: %s", err)
	}
	_, err = fmt.Fprintf(o.Stdout, "Schedule %s of %s %s. Next: %s.\n", clean(id), clean(s.Schedule.target()), done, s.next())
	return err
}
