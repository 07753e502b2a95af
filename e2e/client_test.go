package e2e_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/testkit"
)

// client is a Node process with the real bullmq library that does to a queue what it is told.
type client struct {
	t    *testing.T
	node *testkit.Node
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
	c, _ := startNode(t, library, "client.cjs", library, redisURL, queueName)
	return c
}

// startNode starts a script that needs a library and answers each line of JSON with one. It returns the line that the script
// began with.
func startNode(t *testing.T, library, script string, args ...string) (*client, []byte) {
	t.Helper()
	modules := testkit.NodeModules(t, "bullmq/node_modules", library)
	c := &client{t: t, node: testkit.StartNode(t, modules, append([]string{"bullmq/" + script}, args...)...)}
	return c, c.node.Next(t)
}

// ask has something done and returns the error that the library threw.
func (c *client) ask(request map[string]any, answer any) string {
	c.t.Helper()
	text, err := json.Marshal(request)
	require.NoError(c.t, err)
	c.node.Say(c.t, text)
	var reply struct {
		Value json.RawMessage `json:"value"`
		Error string          `json:"error"`
	}
	require.NoError(c.t, json.Unmarshal(c.node.Next(c.t), &reply))
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
