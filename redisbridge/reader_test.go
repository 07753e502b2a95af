package redisbridge_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// reader is the real npm library, which reaches Redis in a way of its own: testdata/reader.cjs.
type reader struct {
	b     *bundle
	name  string
	input io.Writer
	lines chan []byte
}

// seen is what a reader knows of a job that has ended.
type seen struct {
	State       string
	Counts      map[string]int
	Name        string
	Data        json.RawMessage
	ReturnValue json.RawMessage
	Progress    json.RawMessage
	Events      []string
	Published   []map[string]any
}

// readers starts the library in its two majors. reach is how ioredis gets to the bundle's Redis.
func (b *bundle) readers(reach any) []*reader {
	b.t.Helper()
	modules := nodeModules(b.t)
	how, err := json.Marshal(reach)
	require.NoError(b.t, err)
	var all []*reader
	for _, library := range []string{"bullmq6", "bullmq5"} {
		command := exec.Command("node", "testdata/reader.cjs", modules, library, b.cfg.Queue.Prefix, b.def.Name, string(how))
		complaints := new(bytes.Buffer)
		command.Stderr = complaints
		input, err := command.StdinPipe()
		require.NoError(b.t, err)
		output, err := command.StdoutPipe()
		require.NoError(b.t, err)
		require.NoError(b.t, command.Start())
		r := &reader{b: b, name: library, input: input, lines: make(chan []byte)}
		go r.read(output)
		b.t.Cleanup(func() {
			_ = input.Close()
			if b.t.Failed() {
				_ = command.Process.Kill() // it may wait for what never comes
			}
			for range r.lines {
			}
			_ = command.Wait()
			if b.t.Failed() {
				b.t.Log(library, complaints.String())
			}
		})
		all = append(all, r)
	}
	for _, r := range all {
		r.next(new(struct{ Ready bool }))
	}
	return all
}

// nodeModules finds the libraries: in the folder that BULLMQ_NODE_MODULES names, else in e2e/bullmq.
func nodeModules(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("BULLMQ_NODE_MODULES")
	if folder == "" {
		var err error
		folder, err = filepath.Abs("../e2e/bullmq/node_modules")
		require.NoError(t, err)
	}
	_, nodeErr := exec.LookPath("node")
	_, libraryErr := os.Stat(filepath.Join(folder, "bullmq6"))
	if nodeErr != nil || libraryErr != nil {
		const hint = "needs node, and the libraries: npm ci --prefix e2e/bullmq"
		if os.Getenv("CI") != "" {
			t.Fatal(hint)
		}
		t.Skip(hint)
	}
	return folder
}

func (r *reader) read(output io.Reader) {
	defer close(r.lines)
	scanner := bufio.NewScanner(output)
	scanner.Buffer(nil, 1<<24)
	for scanner.Scan() {
		r.lines <- bytes.Clone(scanner.Bytes())
	}
}

func (r *reader) next(answer any) {
	r.b.t.Helper()
	select {
	case line, ok := <-r.lines:
		require.True(r.b.t, ok, "the reader died: %s", r.name)
		require.NoError(r.b.t, json.Unmarshal(line, answer))
	case <-time.After(patience):
		require.Fail(r.b.t, "the reader does not answer", r.name)
	}
}

// ended waits until listeners hear that the job has ended, and subscribers so many times of its progress.
func (r *reader) ended(id string, published int) seen {
	r.b.t.Helper()
	_, err := fmt.Fprintln(r.input, id, published)
	require.NoError(r.b.t, err)
	var s seen
	r.next(&s)
	return s
}
