package queue

import "slices"

// The names of the queues. They are their Temporal task queues' names, too.
const (
	// TestExecution runs browser tests.
	TestExecution = "test-execution"
	// Cleanup removes what is old.
	Cleanup = "cleanup"
	// AdaptationLearning learns from runs that adapted.
	AdaptationLearning = "adaptation-learning"
)

// Definition declares one queue.
type Definition struct {
	// Name is the queue's name in Redis and its task queue's name in Temporal.
	Name string
	// JobName is the name that its jobs carry.
	JobName string
	// Workflow is the registered name of the workflow that carries out a job; empty if nothing here does yet: the queue is
	// kept current in Redis, and jobs that clients add fail with that reason.
	Workflow string
}

// Runs says whether there is a workflow that carries out the queue's jobs.
func (d Definition) Runs() bool { return d.Workflow != "" }

// WorkflowID is the id of the workflow that carries out a job of this queue.
func (d Definition) WorkflowID(jobID string) string { return d.Name + "/" + jobID }

// All lists the queues. A further queue is one more entry.
func All() []Definition {
	return []Definition{
		{Name: TestExecution, JobName: "execute-test", Workflow: "TestExecution"},
		{Name: Cleanup, JobName: "cleanup"},
		{Name: AdaptationLearning, JobName: "adaptation-learning"},
	}
}

// Running lists the queues whose jobs are carried out here.
func Running() []Definition {
	return slices.DeleteFunc(All(), func(d Definition) bool { return !d.Runs() })
}

// Find returns the queue of that name.
func Find(name string) (Definition, bool) {
	for _, d := range All() {
		if d.Name == name {
			return d, true
		}
	}
	return Definition{}, false
}
