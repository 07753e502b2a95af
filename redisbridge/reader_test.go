package redisbridge_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/testkit"
)

// reader is the real npm library, which reaches Redis in a way of its own: testdata/reader.cjs.
type reader struct {
	b    *bundle
	name string
	node *testkit.Node
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
		r := &reader{b: b, name: library}
		r.node = testkit.StartNode(b.t, modules, "testdata/reader.cjs", modules, library, b.cfg.Queue.Prefix, b.def.Name, string(how))
		all = append(all, r)
	}
	for _, r := range all {
		r.next(new(struct{ Ready bool }))
	}
	return all
}

func nodeModules(t *testing.T) string {
	t.Helper()
	return testkit.NodeModules(t, "../e2e/bullmq/node_modules", "bullmq6")
}

func (r *reader) next(answer any) {
	r.b.t.Helper()
	require.NoError(r.b.t, json.Unmarshal(r.node.Next(r.b.t), answer), r.name)
}

// ended waits until listeners hear that the job has ended, and subscribers so many times of its progress.
func (r *reader) ended(id string, published int) seen {
	r.b.t.Helper()
	r.node.Say(r.b.t, fmt.Append(nil, id, " ", published))
	var s seen
	r.next(&s)
	return s
}
