package main

import (
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/cinnamon-qa/cinnamon/devstack/stack"
)

// progress writes one line at a time, whichever goroutine says it.
type progress struct {
	mu  sync.Mutex
	out io.Writer
}

func (p *progress) say(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.out, line)
}

// printStack says where everything is, and how to use it from another terminal.
func printStack(out io.Writer, e stack.Endpoints, folder *stack.Folder, took time.Duration) {
	fmt.Fprintf(out, "\nCinnamon is up after %.1f s. Ctrl-C stops it.\n\n", took.Seconds())
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	for _, line := range []struct{ what, where string }{
		{"API", e.API},
		{"Temporal Web UI", e.TemporalUI},
		{"Codec server", e.Codec},
		{"Shop to test", e.Shop},
		{"Temporal", e.Temporal},
		{"Redis", e.Redis},
		{"Postgres", e.Database},
		{"Data", folder.Dir()},
		{"Log", folder.LogFile("cinnamon")},
	} {
		if line.where != "" {
			fmt.Fprintf(table, "  %s\t%s\n", line.what, line.where)
		}
	}
	table.Flush() //nolint:errcheck,gosec // a terminal that takes nothing more
	if e.API == "" {
		return
	}
	fmt.Fprintf(out, "\nIn another terminal:\n\n  export CINNAMON_API_URL=%s CINNAMON_API_KEY=%s\n", e.API, e.APIKey)
	if e.Shop != "" {
		fmt.Fprintf(out, "  cinnamon run examples/cases/shop --base-url %s\n", e.Shop)
	}
	fmt.Fprintln(out)
}
