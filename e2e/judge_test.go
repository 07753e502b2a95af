package e2e_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// judge is a Node process with the real bullmq library: a consumer of the queues as others have them.
type judge struct {
	in      io.WriteCloser
	answers *bufio.Scanner
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
	if _, err := os.Stat(filepath.Join("bullmq", "node_modules", client)); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("e2e/bullmq has no %s: run npm ci there", client)
		}
		t.Skipf("needs %s: run npm ci in e2e/bullmq", client)
	}
	cmd := exec.CommandContext(t.Context(), "node", "judge.cjs", client, redisURL)
	cmd.Dir = "bullmq"
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	j := &judge{in: in, answers: bufio.NewScanner(out)}
	j.answers.Buffer(nil, 4<<20)
	require.True(t, j.answers.Scan(), "the judge did not start")
	require.JSONEq(t, `{"ready":true}`, j.answers.Text())
	return j
}

// observe asks what the library says of a job now.
func (j *judge) observe(t *testing.T, jobID string) observation {
	t.Helper()
	_, err := io.WriteString(j.in, jobID+"\n")
	require.NoError(t, err)
	require.True(t, j.answers.Scan(), "the judge did not answer")
	var o observation
	require.NoError(t, json.Unmarshal(j.answers.Bytes(), &o), j.answers.Text())
	return o
}
