package worker

import (
	sdkactivity "go.temporal.io/sdk/activity"
	sdkworker "go.temporal.io/sdk/worker"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/cleanup"
	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/learning"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store/postgres"
)

// jobParts are what the activities of queues are made of whose jobs carry out no test run.
type jobParts struct {
	cfg        config.Config
	records    *postgres.Store
	files      artifact.Store
	jobs       *activities.Jobs
	scheduling *starter.Starter
	learned    *metrics.Learning
	places     []cleanup.Place
}

// registerJobs registers the activities of such a queue. A further queue is one more case.
func registerJobs(w sdkworker.ActivityRegistry, def queue.Definition, p jobParts) {
	w.RegisterActivityWithOptions(p.jobs.EndJob, sdkactivity.RegisterOptions{Name: "EndJob"})
	w.RegisterActivityWithOptions(activities.NewScheduling(p.scheduling).AddJob, sdkactivity.RegisterOptions{Name: "AddJob"})
	switch def.Name {
	case queue.Cleanup:
		act := activities.NewCleanup(p.jobs, &cleanup.Cleaner{
			Records: p.records, Files: p.files, Places: p.places, Policy: policyOf(p.cfg),
		})
		w.RegisterActivityWithOptions(act.ExecuteCleanup, sdkactivity.RegisterOptions{Name: "ExecuteCleanup"})
	case queue.AdaptationLearning:
		act := activities.NewLearning(p.jobs, p.records, rulesOf(p.cfg), p.learned)
		w.RegisterActivityWithOptions(act.ExecuteLearning, sdkactivity.RegisterOptions{Name: "ExecuteLearning"})
	}
}

// rulesOf is what the settings say of what is learned.
func rulesOf(cfg config.Config) learning.Rules {
	r := learning.Default()
	r.PromoteAfter, r.HalfLife = cfg.Learning.PromoteAfter, cfg.Learning.HalfLife
	r.QuarantineAbove = cfg.Learning.QuarantineFlakyAbove
	return r
}

// policyOf is what the settings say of what is kept.
func policyOf(cfg config.Config) cleanup.Policy {
	p := cleanup.Default()
	c := cfg.Cleanup
	p.Runs, p.Longer, p.Letters = config.Days(c.RunDays), config.Days(c.LongerDays), config.Days(c.LetterDays)
	p.Learned = config.Days(c.LearnedDays)
	p.MostRuns, p.MostFileBytes = c.MostRuns, int64(c.MostFileBytes)
	for kind, days := range c.FileDays {
		p.Files[kind] = config.Days(days)
	}
	p.KeepCompleted, p.KeepFailed = cfg.Queue.RemoveOnComplete, cfg.Queue.RemoveOnFail
	return p
}
