// Command bench measures how rightly elements are found again, on recorded changes of public sites. It reads pairs of files
// NAME.jsonl[.gz] (targets) and NAME-candidates.json[.gz] (elements of the new pages) from a folder that is not part of this
// repository, and compares three ways of looking: the published method Similo, one target at a time, and all targets of a page
// together. Then it asks the same questions with the right element taken out of the page, where every heal is wrong. Run it with `make bench/healing`.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cinnamon-qa/cinnamon/healing"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	dir := flags.String("data", "../shared/healing", "the folder with the data")
	verbose := flags.Bool("verbose", false, "say of each target that was not found rightly what was taken, and why")
	fit := flags.Bool("fit", false, "also print calibrations fitted on this data, in the form of healing/confidence.go")
	if err := flags.Parse(args); err != nil {
		return err //nolint:wrapcheck // flag says it all
	}
	start := time.Now()
	sites, err := load(*dir)
	if err != nil {
		return err
	}
	r := report{out: out, sites: sites}
	measureAll(sites)
	r.tables()
	if *verbose {
		r.errors()
	}
	r.curve()
	r.leaveOneOut()
	if *fit {
		r.calibrations()
	}
	index, heal := speed(sites)
	r.say("\nmeasured in %.1f s; indexing a page of 1,000 elements takes %.1f ms", time.Since(start).Seconds(), index)
	r.summary(heal)
	return nil
}

// speed is how many milliseconds it takes to index 1,000 elements, and to find one target among them and decide.
func speed(sites []*site) (index, heal float64) {
	const size, rounds = 1000, 5
	var prints, targets []healing.Fingerprint
	for _, s := range sites {
		prints = append(prints, s.prints[:min(len(s.prints), size-len(prints))]...)
		for i := range s.targets {
			if len(targets) < 200 {
				targets = append(targets, s.targets[i].old)
			}
		}
	}
	for len(prints) < size {
		prints = append(prints, prints[:min(len(prints), size-len(prints))]...)
	}
	index, heal = 1e9, 1e9
	for range rounds { // the best round: the others were disturbed
		start := time.Now()
		page := healing.NewPage(prints)
		index = min(index, float64(time.Since(start).Microseconds())/1000)
		start = time.Now()
		for _, f := range targets {
			page.Decide(f, page.Rank(f), healing.Careful)
		}
		heal = min(heal, float64(time.Since(start).Microseconds())/1000/float64(len(targets)))
	}
	return index, heal
}
