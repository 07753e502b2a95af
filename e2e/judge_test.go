package e2e_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/testkit"
)

// judge is a Node process with the real bullmq library: a consumer of the queues as others have them.
type judge struct {
	node *testkit.Node
}

// observation is what the library says of one job.
type observation struct {
	State  string         `json:"state"`
	Counts map[string]int `json:"counts"`
	Job    struct {
		Name            string         `json:"name"`
		Data            map[string]any `json:"data"`
		Opts            map[string]any `json:"opts"`
		Progress        map[string]any `json:"progress"`
		ReturnValue     map[string]any `json:"returnvalue"`
		FailedReason    string         `json:"failedReason"`
		Stacktrace      []string       `json:"stacktrace"`
		AttemptsMade    int            `json:"attemptsMade"`
		AttemptsStarted int            `json:"attemptsStarted"`
		StalledCounter  int            `json:"stalledCounter"`
		ProcessedBy     string         `json:"processedBy"`
		FinishedOn      int64          `json:"finishedOn"`
	} `json:"job"`
	// Events are those that QueueEvents delivered for the job, in order.
	Events []struct {
		Name string         `json:"name"`
		Args map[string]any `json:"args"`
	} `json:"events"`
	// Record is the key progress:<test run id>, TTL its life in seconds; Published counts the messages on its channel.
	Record    map[string]any `json:"record"`
	TTL       int            `json:"ttl"`
	Published int            `json:"published"`
	Waiting   []string       `json:"waiting"`
}

func (o observation) eventNames() []string {
	names := make([]string, len(o.Events))
	for i, e := range o.Events {
		names[i] = e.Name
	}
	return names
}

// newJudge starts listening to the test-execution queue with a client of the given major.
func newJudge(t *testing.T, redisURL, client string) *judge {
	t.Helper()
	j := &judge{node: testkit.StartNode(t, testkit.NodeModules(t, "bullmq/node_modules", client), "bullmq/judge.cjs", client, redisURL)}
	require.JSONEq(t, `{"ready":true}`, string(j.node.Next(t)))
	return j
}

// observe asks what the library says of a job now.
func (j *judge) observe(t *testing.T, jobID string) observation {
	t.Helper()
	j.node.Say(t, []byte(jobID))
	var o observation
	line := j.node.Next(t)
	require.NoError(t, json.Unmarshal(line, &o), string(line))
	return o
}
