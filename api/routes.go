package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/internal/health"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/internal/tracing"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// submitter submits and cancels runs.
type submitter interface {
	Submit(ctx context.Context, r starter.Request) (run store.Run, created bool, err error)
	SubmitBatch(ctx context.Context, requests []starter.Request) ([]starter.Batched, error)
	Cancel(ctx context.Context, runID string) error
	SubmitSuite(ctx context.Context, r starter.SuiteRequest) (run store.SuiteRun, created bool, err error)
	CancelSuite(ctx context.Context, suiteRunID string) error
	Requeue(ctx context.Context, runID string) (store.Run, error)
	RequeueAll(ctx context.Context, runIDs []string) []starter.Requeued
}

// runStore reads runs.
type runStore interface {
	Run(ctx context.Context, id string) (store.Run, error)
	Runs(ctx context.Context, ids []string, limit int) ([]store.Run, error)
	Steps(ctx context.Context, runID string) ([]store.Step, error)
	Artifact(ctx context.Context, runID, id string) (store.Artifact, error)
	Artifacts(ctx context.Context, runID string) ([]store.Artifact, error)
	Adaptations(ctx context.Context, runID string) ([]store.Adaptation, error)
}

// caseStore keeps test cases.
type caseStore interface {
	SaveCase(ctx context.Context, c store.TestCase) (created bool, err error)
	Case(ctx context.Context, id string) (store.TestCase, error)
	Cases(ctx context.Context, after string, limit int) ([]store.TestCase, error)
}

// suiteStore keeps suites and reads their runs.
type suiteStore interface {
	SaveSuite(ctx context.Context, s store.Suite) (created bool, err error)
	Suite(ctx context.Context, id string) (store.Suite, error)
	Suites(ctx context.Context, after string, limit int) ([]store.Suite, error)
	SuiteRun(ctx context.Context, id string) (store.SuiteRun, error)
	SuiteRuns(ctx context.Context, of store.SuiteRunsOf, limit int) ([]store.SuiteRun, error)
	RunsOfSuite(ctx context.Context, suiteRunID string, limit, offset int) ([]store.Run, error)
}

// letterStore reads dead letters.
type letterStore interface {
	DeadLetters(ctx context.Context, f store.LetterFilter) ([]store.DeadLetter, error)
	CountDeadLetters(ctx context.Context, f store.LetterFilter) (int, error)
}

// artifactReader reads stored files.
type artifactReader interface {
	Open(ctx context.Context, path string) (artifact.Reader, error)
}

// Deps are what the handlers work with.
type Deps struct {
	Starter   submitter
	Schedules scheduler
	Store     interface {
		runStore
		caseStore
		suiteStore
		letterStore
	}
	// Jobs and Cleanups are of clean-ups.
	Jobs     jobSubmitter
	Cleanups cleanupStore
	Locators locatorStore
	Learned  learnedStore
	// Quarantine is of cases that fail no suite.
	Quarantine quarantineStore
	Artifacts  artifactReader
	// Services are those that the API depends on.
	Services *health.Prober
	// Metrics is what Prometheus reads; nil if nothing is measured.
	Metrics *metrics.Registry
	// Tracer follows requests; nil follows none.
	Tracer    *tracing.Tracer
	Key       config.Secret
	PublicURL string
	Temporal  config.Temporal
	// TraceViewer has the files of Playwright's trace viewer; nil if they are not installed.
	TraceViewer fs.FS
	Log         *slog.Logger
}

type handlers struct {
	Deps
	services  *health.Prober
	measured  *metrics.HTTP
	addresses addresses
	links     signer
}

// Handler serves the API.
func Handler(d Deps) http.Handler {
	h := &handlers{Deps: d, services: d.Services, addresses: addresses{
		public: strings.TrimSuffix(d.PublicURL, "/"), temporalUI: strings.TrimSuffix(d.Temporal.UIURL, "/"), namespace: d.Temporal.Namespace,
	}, links: newSigner(d.Key.Reveal())}
	if d.Metrics != nil {
		h.measured = d.Metrics.HTTP()
	}
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.Use(h.logged, gin.CustomRecoveryWithWriter(nil, h.recovered))
	r.NoRoute(func(c *gin.Context) {
		answer(c, problem{Status: http.StatusNotFound, Code: fault.NotFound, Detail: "there is nothing at this address"})
	})
	r.NoMethod(func(c *gin.Context) {
		answer(c, problem{Status: http.StatusMethodNotAllowed, Code: fault.Invalid, Detail: "this address doesn't know the method " + c.Request.Method})
	})

	r.GET("/livez", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) })
	r.GET("/readyz", h.ready)
	if d.Metrics != nil {
		r.GET("/metrics", h.authorized, gin.WrapH(d.Metrics.Handler()))
	}
	r.GET("/schemas/case.json", func(c *gin.Context) { c.Data(http.StatusOK, "application/schema+json", testcase.Schema()) })
	r.GET("/schemas/suite.json", func(c *gin.Context) { c.Data(http.StatusOK, "application/schema+json", testcase.SuiteSchema()) })

	api := r.Group("/api", h.authorized)
	api.GET("/health", h.health)
	api.POST("/test-runs", h.submitRun)
	api.POST("/test-runs/batch", h.submitBatch)
	api.GET("/test-runs", h.listRuns)
	api.GET("/test-runs/:id", h.pathID, h.getRun)
	api.GET("/test-runs/:id/steps", h.pathID, h.listSteps)
	api.POST("/test-runs/:id/cancel", h.pathID, h.cancelRun)
	api.POST("/test-runs/:id/requeue", h.pathID, h.requeueRun)
	api.GET("/test-runs/:id/artifacts", h.pathID, h.listArtifacts)
	api.GET("/test-runs/:id/adaptations", h.pathID, h.listAdaptations)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r.Handle(method, "/api/test-runs/:id/artifacts/:artifact", h.authorizedOrLinked, h.pathID, h.getArtifact)
		r.Handle(method, "/trace/*file", viewer(d.TraceViewer))
	}
	api.GET("/dead-letters", h.listLetters)
	api.POST("/dead-letters/requeue", h.requeueLetters)
	api.GET("/locators", h.listLocators)
	api.GET("/locators/:id", h.getLocator)
	api.POST("/locators/:id/approve", h.decide(store.LocatorPromoted))
	api.POST("/locators/:id/reject", h.decide(store.LocatorRejected))
	api.POST("/locators/:id/rollback", h.decide(""))
	api.GET("/reliability", h.listReliability)
	api.GET("/patterns", h.listPatterns)
	api.GET("/test-cases", h.listCases)
	api.PUT("/test-cases/:id", h.saveCase)
	api.GET("/test-cases/:id", h.pathID, h.getCase)
	api.GET("/test-cases/:id/patch", h.pathID, h.patchCase)
	api.GET("/test-cases/:id/quarantine", h.pathID, h.getQuarantined)
	api.PUT("/test-cases/:id/quarantine", h.pathID, h.putInQuarantine)
	api.DELETE("/test-cases/:id/quarantine", h.pathID, h.leaveQuarantine)
	api.GET("/quarantine", h.listQuarantine)
	api.GET("/suites", h.listSuites)
	api.PUT("/suites/:id", h.saveSuite)
	api.GET("/suites/:id", h.pathID, h.getSuite)
	api.POST("/suites/:id/runs", h.pathID, h.submitStoredSuite)
	api.GET("/suites/:id/runs", h.pathID, h.listSuiteRuns)
	api.POST("/suite-runs", h.submitSuite)
	api.GET("/suite-runs", h.listSuiteRuns)
	api.GET("/suite-runs/:id", h.pathID, h.getSuiteRun)
	api.GET("/suite-runs/:id/runs", h.pathID, h.listRunsOfSuite)
	api.POST("/suite-runs/:id/cancel", h.pathID, h.cancelSuiteRun)
	api.POST("/cleanups", h.submitCleanup)
	api.GET("/cleanups", h.listCleanups)
	api.GET("/cleanups/:id", h.pathID, h.getCleanup)
	api.POST("/cleanups/:id/cancel", h.pathID, h.cancelCleanup)
	api.POST("/test-runs/:id/hold", h.pathID, h.holdRun)
	api.POST("/test-runs/:id/release", h.pathID, h.releaseRun)
	api.GET("/holds", h.listHeld)
	api.GET("/held-tags", h.listHeldTags)
	api.PUT("/held-tags/:id", h.pathID, h.holdTag)
	api.DELETE("/held-tags/:id", h.pathID, h.releaseTag)
	api.GET("/schedules", h.listSchedules)
	api.PUT("/schedules/:id", h.saveSchedule)
	api.GET("/schedules/:id", h.pathID, h.getSchedule)
	api.DELETE("/schedules/:id", h.pathID, h.deleteSchedule)
	api.POST("/schedules/:id/pause", h.pathID, h.pauseSchedule)
	api.POST("/schedules/:id/resume", h.pathID, h.resumeSchedule)
	api.POST("/schedules/:id/trigger", h.pathID, h.triggerSchedule)
	api.POST("/schedules/:id/backfill", h.pathID, h.backfillSchedule)
	return r
}

// authorized lets in who presents the key.
func (h *handlers) authorized(c *gin.Context) {
	scheme, presented, _ := strings.Cut(c.GetHeader("Authorization"), " ")
	presented = strings.TrimLeft(presented, " ")
	if !strings.EqualFold(scheme, "Bearer") { // the letters' case is the client's choice (RFC 9110)
		presented = c.GetHeader("X-API-Key")
	}
	got, want := sha256.Sum256([]byte(presented)), sha256.Sum256([]byte(h.Key.Reveal()))
	if h.Key == "" || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		c.Header("WWW-Authenticate", `Bearer realm="cinnamon"`)
		answer(c, problem{
			Status: http.StatusUnauthorized, Code: "unauthorized",
			Detail: "present the API key in the header Authorization: Bearer KEY (or X-API-Key)",
		})
	}
}

// logged writes a line for each request.
func (h *handlers) logged(c *gin.Context) {
	began := time.Now()
	c.Header("X-Content-Type-Options", "nosniff")
	within, end := h.Tracer.Request(c.Request.Context(), c.Request.Method, c.FullPath(), c.GetHeader("Traceparent"))
	c.Request = c.Request.WithContext(within)
	c.Next()
	end(c.Writer.Status())
	h.measured.Answered(c.Request.Method, c.FullPath(), c.Writer.Status(), time.Since(began))
	h.Log.DebugContext(c.Request.Context(), "request", "method", c.Request.Method, "path", c.Request.URL.Path,
		"status", c.Writer.Status(), "duration_ms", time.Since(began).Milliseconds())
}

func (h *handlers) recovered(c *gin.Context, cause any) {
	h.Log.ErrorContext(c.Request.Context(), "a handler panicked", "method", c.Request.Method, "path", c.Request.URL.Path, "cause", cause)
	answer(c, problem{Status: http.StatusInternalServerError, Code: fault.Internal, Detail: "something went wrong on our side; the server's log says what"})
}
