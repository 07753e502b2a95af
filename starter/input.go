package starter

import (
	"encoding/json"
	"fmt"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/workflows"
)

// input is what starts a job's workflow, with the parts that all have.
type input struct {
	run *workflows.TestExecutionInput // one of both is nil
	job *workflows.JobInput
}

// inputOf reads the input of a workflow of a queue.
func inputOf(def queue.Definition, text json.RawMessage) (in input, err error) {
	if def.TestRuns {
		in.run = &workflows.TestExecutionInput{}
		err = json.Unmarshal(text, in.run)
	} else {
		in.job = &workflows.JobInput{}
		err = json.Unmarshal(text, in.job)
	}
	if err != nil {
		return in, fmt.Errorf("decoding the workflow's input: %w", err)
	}
	return in, nil
}

func (in input) rerun() *workflows.Rerun {
	if in.run != nil {
		return &in.run.Rerun
	}
	return &in.job.Rerun
}

func (in input) policy() *workflows.Policy {
	if in.run != nil {
		return &in.run.Policy
	}
	return &in.job.Policy
}

func (in input) jobID() string {
	if in.run != nil {
		return in.run.JobID
	}
	return in.job.JobID
}

// value is what Temporal and the records are given.
func (in input) value() any {
	if in.run != nil {
		return *in.run
	}
	return *in.job
}
