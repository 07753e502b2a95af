package queue

import "time"

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
	// Workflow is the registered name of the workflow that carries out a job.
	Workflow string
	// TestRuns says that each job carries out a test run, which has a record of its own. The jobs of the other queues are
	// all that there is of them, and their ids those of their workflows.
	TestRuns bool
	// Concurrency is how many jobs a worker carries out at once; 0: as many as QUEUE_CONCURRENCY says.
	Concurrency int
	// Stall is how long a worker may be silent before a job is given to another one; 0: as WORKER_HEARTBEAT_TIMEOUT says.
	Stall time.Duration
	// Timeout bounds one attempt; 0: each test run says how long it may take.
	Timeout time.Duration
}

// WorkflowID is the id of the workflow that carries out a job of this queue.
func (d Definition) WorkflowID(jobID string) string { return d.Name + "/" + jobID }

// All lists the queues. A further queue is one more entry.
func All() []Definition {
	return []Definition{
		{Name: TestExecution, JobName: "execute-test", Workflow: "TestExecution", TestRuns: true},
		{Name: Cleanup, JobName: "cleanup", Workflow: "Cleanup", Concurrency: 1, Timeout: 6 * time.Hour},
		{Name: AdaptationLearning, JobName: "adaptation-learning", Workflow: "AdaptationLearning", Concurrency: 2, Timeout: time.Hour},
	}
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

// CarriesTestRuns says whether the jobs of a queue carry out test runs, as those of an unknown one are taken to.
func CarriesTestRuns(name string) bool {
	def, ok := Find(name)
	return !ok || def.TestRuns
}
