package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// client is a Node process with the real bullmq library that does to a queue what it is told.
type client struct {
	t       *testing.T
	process *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
}

// jobSeen is a job as the library returns it.
type jobSeen struct {
	ID              string         `json:"id"`
	Name            string         `json:"name"`
	Data            any            `json:"data"`
	Opts            map[string]any `json:"opts"`
	Priority        int            `json:"priority"`
	AttemptsMade    int            `json:"attemptsMade"`
	AttemptsStarted int            `json:"attemptsStarted"`
	FailedReason    string         `json:"failedReason"`
	ReturnValue     map[string]any `json:"returnvalue"`
	ProcessedBy     string         `json:"processedBy"`
}

func newClient(t *testing.T, redisURL, library, queueName string) *client {
	t.Helper()
	if _, err := os.Stat(filepath.Join("bullmq", "node_modules", library)); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("e2e/bullmq has no %s: run npm ci there", library)
		}
		t.Skipf("needs %s: run npm ci in e2e/bullmq", library)
	}
	c, _ := startNode(t, "client.cjs", library, redisURL, queueName)
	return c
}

// startNode starts a script that answers each line of JSON with one, and returns the line that it began with.
func startNode(t *testing.T, args ...string) (*client, []byte) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", args...)
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
	c := &client{t: t, process: cmd, in: in, answers: bufio.NewScanner(out)}
	c.answers.Buffer(nil, 1<<24)
	require.True(t, c.answers.Scan(), "%s did not start", args[0])
	return c, bytes.Clone(c.answers.Bytes())
}

// ask has something done and returns the error that the library threw.
func (c *client) ask(request map[string]any, answer any) string {
	c.t.Helper()
	text, err := json.Marshal(request)
	require.NoError(c.t, err)
	_, err = c.in.Write(append(text, '\n'))
	require.NoError(c.t, err)
	require.True(c.t, c.answers.Scan(), "the client died")
	var reply struct {
		Value json.RawMessage `json:"value"`
		Error string          `json:"error"`
	}
	require.NoError(c.t, json.Unmarshal(c.answers.Bytes(), &reply))
	if reply.Error == "" && answer != nil {
		require.NoError(c.t, json.Unmarshal(reply.Value, answer), string(reply.Value))
	}
	return reply.Error
}

// queue calls a method of Queue.
func (c *client) queue(answer any, method string, args ...any) {
	c.t.Helper()
	if args == nil {
		args = []any{}
	}
	require.Empty(c.t, c.ask(map[string]any{"on": "queue", "method": method, "args": args}, answer), method)
}

// job calls a method of Job.
func (c *client) job(answer any, id, method string, args ...any) {
	c.t.Helper()
	if args == nil {
		args = []any{}
	}
	require.Empty(c.t, c.ask(map[string]any{"on": "job", "id": id, "method": method, "args": args}, answer), method)
}

// add adds a job with the documented data and returns its id.
func (c *client) add(caseID, runID string, opts map[string]any) string {
	c.t.Helper()
	var added jobSeen
	c.queue(&added, "add", "execute-test", map[string]any{"testCaseId": caseID, "testRunId": runID}, opts)
	require.NotEmpty(c.t, added.ID)
	return added.ID
}

func (c *client) state(id string) string {
	c.t.Helper()
	var state string
	c.queue(&state, "getJobState", id)
	return state
}

func (c *client) get(id string) jobSeen {
	c.t.Helper()
	var j jobSeen
	c.queue(&j, "getJob", id)
	return j
}
