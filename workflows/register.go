package workflows

import "go.temporal.io/sdk/workflow"

// registry takes workflows in; a Temporal worker, a replayer and a test environment are ones.
type registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
}

// Where workflows go on that workers of another version began: with the version that takes new ones, or there.
const (
	AutoUpgrade = workflow.VersioningBehaviorAutoUpgrade
	Pinned      = workflow.VersioningBehaviorPinned
)

// Register registers every workflow under its name.
func Register(r registry) {
	r.RegisterWorkflowWithOptions(TestExecution, workflow.RegisterOptions{Name: "TestExecution"})
	r.RegisterWorkflowWithOptions(SuiteExecution, workflow.RegisterOptions{Name: "SuiteExecution"})
	r.RegisterWorkflowWithOptions(Cleanup, workflow.RegisterOptions{Name: "Cleanup"})
	r.RegisterWorkflowWithOptions(AdaptationLearning, workflow.RegisterOptions{Name: "AdaptationLearning"})
	r.RegisterWorkflowWithOptions(ScheduledJob, workflow.RegisterOptions{Name: "ScheduledJob"})
	r.RegisterWorkflowWithOptions(ScheduledRun, workflow.RegisterOptions{Name: "ScheduledRun"})
}
