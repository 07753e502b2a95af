package queue

// TestExecution is the name of the queue that runs browser tests. It is also its Temporal task queue.
const TestExecution = "test-execution"

// Definition declares one queue.
type Definition struct {
	// Name is the queue's name in Redis and its task queue's name in Temporal.
	Name string
	// JobName is the name that its jobs carry.
	JobName string
	// Workflow is the registered name of the workflow that carries out a job.
	Workflow string
}

// WorkflowID is the id of the workflow that carries out a job of this queue.
func (d Definition) WorkflowID(jobID string) string { return d.Name + "/" + jobID }

// All lists the queues. A further queue is one more entry.
func All() []Definition {
	return []Definition{
		{Name: TestExecution, JobName: "execute-test", Workflow: "TestExecution"},
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
