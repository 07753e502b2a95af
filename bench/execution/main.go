// Command execution measures how tests are carried out, on a whole system that it starts itself: how fast they are beside
// Playwright Test, what an attempt costs beyond its steps, how users and urgent runs share the workers, how soon a browser
// ends when its time is up, and how fast runs are accepted. Run it with `make bench/execution`; README.md says what the
// figures mean.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// options say how much is measured.
type options struct {
	bin     string // the folder of the programs
	modules string // the folder of the npm library bullmq
	only    []string
	pairs   int // of our suite and theirs
	backlog int // runs of a user who has many
	theirs  int // runs of a user who has few
	endings int // of each kind
}

// figure is one line of the report.
type figure struct {
	name, value string
}

// bench is what the measurements share.
type bench struct {
	options

	out     io.Writer
	system  *system
	figures []figure
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // a program makes its context
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "execution:", err)
		os.Exit(1)
	}
}

// part is one of the measurements.
type part struct {
	name    string
	measure func(*bench, context.Context) error
}

func parts() []part {
	return []part{
		{"ratio", (*bench).ratio},
		{"overhead", (*bench).overhead},
		{"adaptation", (*bench).adaptation},
		{"fairness", (*bench).fairness},
		{"urgent", (*bench).urgent},
		{"endings", (*bench).endingsOf},
		{"intake", (*bench).intake},
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	b := &bench{out: out}
	var only string
	flags := flag.NewFlagSet("execution", flag.ContinueOnError)
	flags.StringVar(&b.bin, "bin", "bin", "the folder of cinnamon and cinnamon-dev")
	flags.StringVar(&b.modules, "modules", "e2e/bullmq/node_modules", "the folder of the npm library bullmq")
	flags.StringVar(&only, "only", "", "measure only these parts, separated by commas: ratio, overhead, adaptation, fairness, urgent, endings, intake")
	flags.IntVar(&b.pairs, "pairs", 5, "pairs of our suite and Playwright's")
	flags.IntVar(&b.backlog, "backlog", 1000, "runs of the user who has many")
	flags.IntVar(&b.theirs, "few", 10, "runs of the user who has few")
	flags.IntVar(&b.endings, "endings", 20, "endings of each kind")
	if err := flags.Parse(args); err != nil {
		return err //nolint:wrapcheck // flag says it all
	}
	if only != "" {
		b.only = strings.Split(only, ",")
	}
	if err := adopt(); err != nil {
		return err
	}
	if b.system, err = startSystem(ctx, b.options); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.system.stop()) }()
	b.say("%s, %d cores, load %s", runtime.GOARCH, runtime.NumCPU(), load())
	for _, p := range parts() {
		if len(b.only) > 0 && !slices.Contains(b.only, p.name) {
			continue
		}
		b.say("\n%s", p.name)
		if err := p.measure(b, ctx); err != nil {
			return fmt.Errorf("measuring %s: %w", p.name, err)
		}
	}
	b.say("\nload at the end %s", load())
	for _, f := range b.figures {
		b.say("execution.%s: %s", f.name, f.value)
	}
	return nil
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.out, format+"\n", args...) }

// found notes a figure, which is printed at the end.
func (b *bench) found(name, format string, args ...any) {
	b.figures = append(b.figures, figure{name, fmt.Sprintf(format, args...)})
}

// load is how many processes wanted to run lately: figures of a machine that does other things are worth little.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:1], "")
}

// spread is the median of some figures, and the lowest and the highest.
func spread(figures []float64) (median, lowest, highest float64) {
	sorted := slices.Sorted(slices.Values(figures))
	return percentile(sorted, 0.5), sorted[0], sorted[len(sorted)-1]
}

// percentile returns the figure that this share of all is not above.
func percentile(figures []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}
