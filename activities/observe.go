package activities

import (
	"time"

	"github.com/cinnamon-qa/cinnamon/internal/metrics"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// How attempts end that say nothing of the test.
const (
	givenBack       = "given_back"
	platformTrouble = "platform_trouble"
)

// observeStart notes how long the run waited for its first attempt since it was due.
func (a *attempt) observeStart() {
	if job := a.claim.Job; a.claim.Attempt == 1 {
		a.Metrics.AttemptStarted(a.in.Queue, job.StartedAt.Sub(job.CreatedAt)-time.Duration(job.Options.Delay)*time.Millisecond)
	}
}

func (a *attempt) observeStep(s *store.Step) {
	a.Metrics.StepEnded(s.Action, string(s.Status), s.Duration)
}

// observeTrouble notes an attempt that says nothing of the test.
func (a *attempt) observeTrouble(outcome string) {
	a.Metrics.AttemptEnded(metrics.AttemptEnd{Queue: a.in.Queue, Outcome: outcome, Took: time.Since(a.began)})
}

// observeEnd notes an attempt, and the run if that has ended with it.
func (a *attempt) observeEnd(job queue.Job, o store.Outcome) {
	end := metrics.AttemptEnd{Queue: a.in.Queue, Outcome: string(o.Status), Took: o.Duration}
	if job.State.Finished() {
		passed := o.Status == store.RunCompleted || o.Status == store.RunAdapted
		end.Status, end.Since = string(o.Status), a.claim.Job.CreatedAt
		end.Flaky = passed && a.claim.Job.AttemptsMade > 0
		if o.Status == store.RunFailed {
			end.Class = string(o.Class)
		}
	}
	a.Metrics.AttemptEnded(end)
}
