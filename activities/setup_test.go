package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	sdkworker "go.temporal.io/sdk/worker"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/internal/testkit"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

var (
	database testkit.Postgres
	redis    testkit.Redis
)

func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.pool != nil {
		if err := chromium.pool.Close(context.Background()); err != nil { //nolint:forbidigo // this is a main
			fmt.Fprintln(os.Stderr, "closing the browser:", err)
			code = 1
		}
	}
	database.Stop()
	redis.Stop()
	os.Exit(testkit.NoLeaks(code))
}

// threeSteps is a case without need of a browser's cleverness.
const threeSteps = `{"title": "Search", "timeout": 2000, "baseUrl": "http://shop.test", "steps": [
	{"type": "navigate", "url": "/"},
	{"type": "click", "selectors": ["text/Search"]},
	{"type": "customStep", "name": "assertTitle", "parameters": {"title": "Found"}}
]}`

// bundle is a database, an artifacts folder, and the activities on top of them with a scripted browser.
type bundle struct {
	t        *testing.T
	suite    json.RawMessage // the config of the suite that added runs belong to, if any
	def      queue.Definition
	records  *postgres.Store
	database string // its address
	files    artifact.Store
	script   *script
	shown    *shown
	cfg      activities.Config
	config   store.RunConfig // of runs that are added
	// queueTimeout of their jobs, in milliseconds
	queueTimeout int64
	// ctx is what activities run in.
	ctx    context.Context //nolint:containedctx // the worker's side of it, which tests cancel
	cancel context.CancelCauseFunc
}

// openGate lets every attempt begin, as a Redis that is away does.
type openGate struct{}

func (openGate) Claim(context.Context, string, string, string) (queue.Grant, error) {
	return queue.Grant{Kind: queue.Granted}, nil
}

func setup(t *testing.T) *bundle {
	t.Helper()
	address := database.Database(t)
	require.NoError(t, postgres.Migrate(t.Context(), address))
	records, err := postgres.Open(t.Context(), address, 4)
	require.NoError(t, err)
	t.Cleanup(records.Close)
	files, err := artifact.OpenFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, files.Close()) })
	def, ok := queue.Find(queue.TestExecution)
	require.True(t, ok)
	b := &bundle{t: t, def: def, records: records, database: address, files: files, script: &script{}, shown: &shown{}}
	b.config = store.RunConfig{Headless: true, Viewport: store.Viewport{Width: 800, Height: 600}}
	b.ctx, b.cancel = context.WithCancelCause(t.Context())
	t.Cleanup(func() { b.cancel(nil) })
	b.cfg = activities.Config{
		Store: records, Gate: openGate{}, Browsers: b.script, Artifacts: files, Rules: rules(), Progress: b.shown, Worker: "worker-1",
		Log: slog.New(slog.DiscardHandler),
	}
	return b
}

// rules keep a picture and the HTML of a step that fails.
func rules() artifact.Rules {
	return artifact.Rules{
		Policies: map[artifact.Kind]artifact.Policy{artifact.Screenshot: artifact.OnFailure, artifact.DOM: artifact.OnFailure},
		Limits: map[artifact.Kind]int64{
			artifact.Screenshot: 1000, artifact.DOM: 1000, artifact.Trace: 1000, artifact.Console: 1000, artifact.Network: 1000,
			artifact.HAR: 1000, artifact.Video: 1000,
		},
		RunLimit: 5000,
	}
}

// add creates a run with three attempts; an empty definition leaves the case to the stored ones.
func (b *bundle) add(definition string) (id string) {
	b.t.Helper()
	id = "run-1"
	now := time.Now().UTC().Truncate(time.Millisecond)
	_, added := queue.New(b.def, id, json.RawMessage(`{}`), queue.Options{
		Attempts: 3, Backoff: &queue.Backoff{Type: "exponential", Delay: 2000}, RemoveOnComplete: 10, RemoveOnFail: 10,
	}, now)
	added.Job.QueueTimeout = b.queueTimeout
	n := store.NewRun{
		Run: store.Run{
			ID: id, TestCaseID: "search", Title: "Search", MaxAttempts: 3, TotalSteps: 3, WorkflowID: b.def.WorkflowID(id),
			Config: b.config, CreatedAt: now,
		},
		Definition: json.RawMessage(definition), WorkflowInput: json.RawMessage(`{}`), Added: added,
	}
	var created bool
	var err error
	if b.suite == nil {
		_, created, err = b.records.CreateRun(b.t.Context(), n)
	} else {
		_, created, err = b.records.CreateSuiteRun(b.t.Context(), store.NewSuiteRun{SuiteRun: store.SuiteRun{
			ID: "suite-run", Title: "Suite", WorkflowID: "suite/suite-run", CreatedAt: now, Defaults: b.suite,
		}, WorkflowInput: json.RawMessage(`{}`), Runs: []store.NewRun{n}})
	}
	require.NoError(b.t, err)
	require.True(b.t, created)
	return id
}

func (b *bundle) input(id string, made int) activities.AttemptInput {
	return activities.AttemptInput{Queue: b.def.Name, RunID: id, Made: made, Timeout: 30_000}
}

// try carries out an attempt as a worker does, with the conversion of errors that its interceptor applies.
func (b *bundle) try(in activities.AttemptInput) (activities.AttemptResult, error) {
	b.t.Helper()
	act := activities.NewTestExecution(b.cfg)
	env := b.environment()
	env.RegisterActivityWithOptions(func(ctx context.Context, in activities.AttemptInput) (activities.AttemptResult, error) {
		result, err := act.ExecuteAttempt(ctx, in)
		return result, activities.Failure(err)
	}, activity.RegisterOptions{Name: "ExecuteAttempt"})
	value, err := env.ExecuteActivity("ExecuteAttempt", in)
	if err != nil {
		return activities.AttemptResult{}, err
	}
	var result activities.AttemptResult
	require.NoError(b.t, value.Get(&result))
	return result, nil
}

// attempt expects no error.
func (b *bundle) attempt(in activities.AttemptInput) activities.AttemptResult {
	b.t.Helper()
	result, err := b.try(in)
	require.NoError(b.t, err)
	return result
}

func (b *bundle) environment() *testsuite.TestActivityEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(sdkworker.Options{BackgroundActivityContext: b.ctx})
	return env
}

func (b *bundle) run(id string) store.Run {
	b.t.Helper()
	run, err := b.records.Run(b.t.Context(), id)
	require.NoError(b.t, err)
	return run
}

// job returns the run's job, wherever it stands.
func (b *bundle) job(id string) queue.Job {
	b.t.Helper()
	var jobs []queue.Job
	err := b.records.OpenJobs(b.t.Context(), b.def.Name, store.Any, func(open []queue.Job) error {
		jobs = append(jobs, open...)
		return nil
	})
	require.NoError(b.t, err)
	for _, state := range []queue.State{queue.Completed, queue.Failed} {
		ended, err := b.records.NewestFinished(b.t.Context(), b.def.Name, state, 10, store.Any)
		require.NoError(b.t, err)
		jobs = append(jobs, ended...)
	}
	for _, job := range jobs {
		if job.ID == id {
			return job
		}
	}
	require.Fail(b.t, "there is no such job", id)
	return queue.Job{}
}

// steps returns the recorded steps of an attempt.
func (b *bundle) steps(id string, attempt int) []store.Step {
	b.t.Helper()
	all, err := b.records.Steps(b.t.Context(), id)
	require.NoError(b.t, err)
	var steps []store.Step
	for _, s := range all {
		if s.Attempt == attempt {
			steps = append(steps, s)
		}
	}
	return steps
}

// file returns what is kept at a path.
func (b *bundle) file(path string) string {
	b.t.Helper()
	r, err := b.files.Open(b.t.Context(), path)
	require.NoError(b.t, err)
	defer func() { require.NoError(b.t, r.Close()) }()
	data, err := io.ReadAll(r)
	require.NoError(b.t, err)
	return string(data)
}

// artifacts returns the records of the run's files.
func (b *bundle) artifacts(id string) []store.Artifact {
	b.t.Helper()
	list, err := b.records.Artifacts(b.t.Context(), id)
	require.NoError(b.t, err)
	return list
}

func statuses(steps []store.Step) []store.StepStatus {
	list := make([]store.StepStatus, len(steps))
	for i, s := range steps {
		list[i] = s.Status
	}
	return list
}

// requireFailure checks what Temporal sees of an error. Its type is all that counts: the policies in package workflows say
// which ones are final.
func requireFailure(t *testing.T, err error, kind, words string) {
	t.Helper()
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, kind, app.Type())
	require.False(t, app.NonRetryable())
	require.ErrorContains(t, app, words)
}

// script is a browser that plays outcomes of steps: a fake of the port, not of a browser.
type script struct {
	// openErr is why no session opens.
	openErr error
	// steps are the outcomes by the number of the step, from 1; others pass.
	steps map[int]outcome
	// fails are the outcomes of the sessions of that number, from 1, by the number of the step.
	fails map[int]map[int]outcome
	// shotErr is why there is no screenshot.
	shotErr error

	mu     sync.Mutex
	opened []browser.Options
	done   []string
	shots  int
	closed int
	// recorded are the files that sessions leave, kept what they were asked for.
	recorded  map[browser.Recording][]string
	finishErr error
	kept      [][]browser.Recording
}

type outcome func(ctx context.Context) error

const picture = "\x89PNG the page"

func fails(kind browser.Kind, message string) outcome {
	return func(context.Context) error { return &browser.Error{Kind: kind, Message: message} }
}

// hangs until its context ends, as a session does.
func hangs(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// Open implements browser.Opener.
func (s *script) Open(_ context.Context, o browser.Options) (browser.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = append(s.opened, o)
	if s.openErr != nil {
		return nil, s.openErr
	}
	return &session{script: s, nth: len(s.opened)}, nil
}

// session implements browser.Session.
type session struct {
	script *script
	number int
	nth    int
}

func (s *session) Do(ctx context.Context, step testcase.Step) error {
	s.number++
	s.script.mu.Lock()
	s.script.done = append(s.script.done, step.Action())
	s.script.mu.Unlock()
	if play, ok := s.script.fails[s.nth][s.number]; ok {
		return play(ctx)
	}
	if play, ok := s.script.steps[s.number]; ok {
		return play(ctx)
	}
	return nil
}

// State names the session that left it.
func (s *session) State(context.Context) (browser.State, error) {
	return fmt.Sprintf("left by session %d", s.nth), nil
}

func (s *session) Screenshot(context.Context) ([]byte, error) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.shots++
	return []byte(picture), s.script.shotErr
}

func (s *session) DOM(context.Context) ([]byte, error) {
	return []byte("<p>the page</p>"), s.script.shotErr
}

func (s *session) Finish(_ context.Context, keep ...browser.Recording) ([]browser.RecordedFile, error) {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.kept = append(s.script.kept, keep)
	var files []browser.RecordedFile
	for _, kind := range keep {
		for _, path := range s.script.recorded[kind] {
			files = append(files, browser.RecordedFile{Kind: kind, Path: path})
		}
	}
	return files, s.script.finishErr
}

func (s *session) Close(context.Context) error {
	s.script.mu.Lock()
	defer s.script.mu.Unlock()
	s.script.closed++
	return nil
}

// shown is the progress that was published.
type shown struct {
	mu      sync.Mutex
	records []string
	of      []string
}

// Publish implements the activities' publisher.
func (s *shown) Publish(queueName, _, runID string, attempt int, progress json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, string(progress))
	s.of = append(s.of, fmt.Sprintf("%s %s %d", queueName, runID, attempt))
}

// statuses are those of the steps, in the order of their publication.
func (s *shown) statuses(t *testing.T) string {
	t.Helper()
	var list []string
	for _, text := range s.records {
		var p activities.Progress
		require.NoError(t, json.Unmarshal([]byte(text), &p))
		list = append(list, p.StepData.Status)
	}
	return strings.Join(list, " ")
}
