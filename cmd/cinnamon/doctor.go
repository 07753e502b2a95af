package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cinnamon-qa/cinnamon/config"
)

// How what the doctor looked at is.
const (
	healthy = "ok"
	worth   = "warning" // it works, and will be trouble
	sick    = "problem"
)

// diagnosis is what the doctor found out about one thing.
type diagnosis struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Finding string `json:"finding"`
	// Advice says how to put it right.
	Advice string `json:"advice,omitempty"`
}

// finding is what one examination found. A warning comes with advice.
type finding struct{ text, warning, advice string }

// trouble is what is wrong, with how to put it right if that is known better than usual.
type trouble struct{ reason, advice string }

func (t *trouble) Error() string { return t.reason }

// examination is one question of the doctor.
type examination struct {
	name string
	// advice says how to put right what is usually wrong.
	advice string
	ask    func(ctx context.Context, cfg config.Config) (finding, error)
}

func examinations() []examination {
	return []examination{
		{"driver", "run `cinnamon browser install`", askDriver},
		{"browser", "install Chromium (Debian: apt-get install chromium-headless-shell), or run `cinnamon browser install`, or set BROWSER_EXECUTABLE", askBrowser},
		{"egress", "put EGRESS_MODE and EGRESS_ALLOW right: docs/egress.md", askEgress},
		{"postgres", "set DATABASE_URL to a database that runs, then run `cinnamon migrate`; `cinnamon-dev up` has one", askPostgres},
		{"temporal", "set TEMPORAL_ADDRESS to a server that runs, then run `cinnamon migrate`; `cinnamon-dev up` has one", askTemporal},
		{"artifacts", "set ARTIFACTS_DIR to a folder that this user may write to, or put ARTIFACTS_STORE and the S3_* settings right", askArtifacts},
		{"redis", "set REDIS_URL to a Redis that runs with maxmemory-policy noeviction; `cinnamon-dev up` has one", askRedis},
		{"disk", "make room, or set ARTIFACTS_DIR to a larger disk", askDisk},
		{"clock", "let a time service (chrony, systemd-timesyncd) set the clocks of all machines", askClock},
	}
}

func newDoctor(stdout io.Writer) *cobra.Command {
	var asJSON bool
	var only []string
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check everything that Cinnamon needs, and say how to put it right", GroupID: "system",
		Long: `Checks the settings, the browser and its driver (by opening a page), what pages may reach, Postgres and its migrations, Temporal, its
namespace and search attributes, the artifact store (by writing a file), Redis (version, memory, eviction policy), the space on the
disk and the clocks, all as the settings name them, and says of each problem how to put it right.

Exit code 0 if all is well or only worth a warning, 2 if a setting is wrong, 3 if something is a problem.`,
		Example: `  cinnamon doctor
  cinnamon doctor --only postgres,temporal,redis     on a machine without a browser
  cinnamon doctor --json | jq '.checks[] | select(.status != "ok")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settingsOf(cmd)
			if err != nil {
				return err
			}
			chosen, err := choose(only)
			if err != nil {
				return err
			}
			found := examine(cmd.Context(), cfg, chosen, func(d diagnosis) {
				if !asJSON {
					d.write(stdout)
				}
			})
			return conclude(stdout, found, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	cmd.Flags().StringSliceVar(&only, "only", nil, "check only these, separated by commas")
	return withSettings(cmd)
}

func choose(only []string) ([]examination, error) {
	all := examinations()
	if len(only) == 0 {
		return all, nil
	}
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = e.name
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return nil, usageErrorf("--only names %q: there are %s", name, strings.Join(names, ", "))
		}
	}
	return slices.DeleteFunc(all, func(e examination) bool { return !slices.Contains(only, e.name) }), nil
}

// examine asks one question after the other: a browser that starts would slow the others down.
func examine(ctx context.Context, cfg config.Config, all []examination, tell func(diagnosis)) []diagnosis {
	found := make([]diagnosis, 0, len(all))
	for _, e := range all {
		asking, cancel := context.WithTimeout(ctx, 30*time.Second)
		f, err := e.ask(asking, cfg)
		cancel()
		d := diagnosis{Name: e.name, Status: healthy, Finding: f.text}
		switch {
		case err != nil:
			d.Status, d.Finding, d.Advice = sick, firstLine(err.Error()), e.advice
			if t, ok := errors.AsType[*trouble](err); ok && t.advice != "" {
				d.Advice = t.advice
			}
		case f.warning != "":
			d.Status, d.Finding, d.Advice = worth, f.warning, f.advice
		}
		tell(d)
		found = append(found, d)
	}
	return found
}

func (d diagnosis) write(w io.Writer) {
	fmt.Fprintf(w, "%-8s %-9s %s\n", d.Status, d.Name, d.Finding)
	if d.Advice != "" {
		fmt.Fprintf(w, "%19sTo put it right: %s.\n", "", d.Advice)
	}
}

// conclude says how it is on the whole.
func conclude(w io.Writer, found []diagnosis, asJSON bool) error {
	problems, warnings := 0, 0
	for _, d := range found {
		switch d.Status {
		case sick:
			problems++
		case worth:
			warnings++
		}
	}
	switch {
	case asJSON:
		if err := writeJSON(w, map[string]any{"well": problems == 0, "problems": problems, "warnings": warnings, "checks": found}); err != nil {
			return err
		}
	case problems+warnings == 0:
		fmt.Fprintln(w, "All is well.")
	}
	if problems > 0 {
		return exitError{code: exitPlatform}
	}
	return nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
