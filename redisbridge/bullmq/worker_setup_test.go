package bullmq_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// soon is how long a test waits for what should happen at once.
const soon = 30 * time.Second

// node is the real library in a process of its own: see testdata/worker.cjs. It may be asked by many at once.
type node struct {
	t       testing.TB
	command *exec.Cmd
	mutex   sync.Mutex
	input   *json.Encoder
	asked   int
	answers map[int]chan nodeReply
}

type nodeReply struct {
	ID    int             `json:"id"`
	Value json.RawMessage `json:"value"`
	Error string          `json:"error"`
}

func newNode(t *testing.T, b *bundle, library string) *node {
	t.Helper()
	command := exec.Command("node", "testdata/worker.cjs", nodeModules(t), library, server.URL(t), b.prefix)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	input, err := command.StdinPipe()
	require.NoError(t, err)
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	n := &node{t: t, command: command, input: json.NewEncoder(input), answers: map[int]chan nodeReply{}}
	read := make(chan struct{})
	go func() {
		defer close(read)
		scanner := bufio.NewScanner(output)
		scanner.Buffer(nil, 1<<24)
		for scanner.Scan() {
			var reply nodeReply
			if json.Unmarshal(scanner.Bytes(), &reply) != nil {
				continue
			}
			n.mutex.Lock()
			answer := n.answers[reply.ID]
			delete(n.answers, reply.ID)
			n.mutex.Unlock()
			answer <- reply
		}
	}()
	t.Cleanup(func() {
		_ = input.Close()
		<-read
		_ = command.Wait()
		if t.Failed() {
			t.Log(complaints.String())
		}
	})
	return n
}

// ask puts a question and decodes the answer.
func (n *node) ask(answer any, question string, args ...any) {
	n.t.Helper()
	waiting := make(chan nodeReply, 1)
	n.mutex.Lock()
	n.asked++
	n.answers[n.asked] = waiting
	err := n.input.Encode(map[string]any{"id": n.asked, "ask": question, "args": args})
	n.mutex.Unlock()
	require.NoError(n.t, err)
	select {
	case reply := <-waiting:
		require.Empty(n.t, reply.Error, "%s %v", question, args)
		if answer != nil {
			require.NoError(n.t, json.Unmarshal(reply.Value, answer))
		}
	case <-time.After(soon):
		require.Fail(n.t, "node does not answer", "%s %v", question, args)
	}
}

// add adds a job with the real client and returns its id.
func (n *node) add(queue, name string, data, opts map[string]any) string {
	n.t.Helper()
	var id string
	n.ask(&id, "queue", queue, "add", name, data, opts)
	return id
}

// task is what a job's data asks the handler of the tests for. testdata/worker.cjs understands the same.
type task struct {
	Do     string            `json:"do"`
	Result json.RawMessage   `json:"result"`
	Times  int               `json:"times"`
	Final  bool              `json:"final"`
	Msg    string            `json:"msg"`
	Steps  []json.RawMessage `json:"steps"`
	Millis int               `json:"ms"`
}

// obey is a handler that does what the job's data asks for.
func obey(ctx context.Context, a *bullmq.Attempt) (any, error) {
	var do task
	if err := a.Decode(&do); err != nil {
		return nil, err
	}
	first, pause := a.Job.AttemptsStarted == 1, time.Duration(do.Millis)*time.Millisecond
	switch do.Do {
	case "fail":
		rest(ctx, pause)
		if a.Job.AttemptsMade < do.Times {
			err := errors.New(do.Msg)
			if do.Final {
				err = bullmq.Unrecoverable(err)
			}
			return nil, err
		}
	case "sleep":
		rest(ctx, pause)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	case "progress":
		for _, step := range do.Steps {
			if err := a.Progress(ctx, step); err != nil {
				return nil, err
			}
			if _, err := a.Log(ctx, "step "+string(step)); err != nil {
				return nil, err
			}
		}
	case "later":
		if first {
			return nil, bullmq.RetryAt(time.Now().Add(pause))
		}
	case "limit":
		if first {
			return nil, bullmq.RateLimit(pause)
		}
	case "back":
		if first {
			return nil, bullmq.GiveBack()
		}
	}
	if len(do.Result) == 0 {
		return nil, nil //nolint:nilnil // null is a result
	}
	return do.Result, nil
}

// rest is work that takes a while.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// start runs a worker until the test stops it, or ends.
func start(tb testing.TB, rdb redis.UniversalClient, queue string, handler bullmq.Handler, o bullmq.WorkerOptions) (stop func()) {
	tb.Helper()
	worker, err := bullmq.NewWorker(rdb, queue, handler, o)
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(tb.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			require.NoError(tb, err)
		case <-time.After(soon):
			require.Fail(tb, "the worker does not stop")
		}
	})
	tb.Cleanup(stop)
	return stop
}

// work runs a worker on the bundle's queue.
func (b *bundle) work(handler bullmq.Handler, o bullmq.WorkerOptions) (stop func()) {
	b.t.Helper()
	o.Prefix = b.prefix
	return start(b.t, b.rdb, b.queue, handler, o)
}

// eventually waits for a condition.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	ticker := time.NewTicker(3 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(soon); !holds(); <-ticker.C {
		require.True(tb, time.Now().Before(deadline), "in vain: %s", what)
	}
}
