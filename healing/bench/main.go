// Command bench scratch.
package main

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/cinnamon-qa/cinnamon/healing"
)

func main() {
	start := time.Now()
	sites, err := load("/work/shared/healing")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("load", time.Since(start))
	verbose := len(os.Args) > 1
	type res struct{ single, right, similo, n int }
	tot := map[string]*res{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	sem := make(chan struct{}, 2)
	for _, s := range sites {
		wg.Add(1)
		go func() {
			defer wg.Done()
			sem <- struct{}{}
			defer func() { <-sem }()
			st := time.Now()
			p := healing.NewPage(s.prints)
			idx := time.Since(st)
			st = time.Now()
			out := ""
			r := res{}
			olds := []healing.Fingerprint{}
			for i := range s.targets {
				olds = append(olds, s.targets[i].old)
			}
			tog := p.RankTogether(olds)
			var rk time.Duration
			for i := range s.targets {
				t := &s.targets[i]
				st := time.Now()
				k := p.Rank(t.old)
				if slices.Contains(t.Accept, k.Best().Index) { r.single++ }
				if os.Getenv("PAGE") != "" { k = tog[i] }
				rk += time.Since(st)
				r.n++
				if slices.Contains(t.Accept, k.Best().Index) {
					r.right++
				} else if verbose {
					out += fmt.Sprintf("-- %s/%s OLD %s\n", s.file, s.name, show(&t.Old))
					for _, a := range t.Accept {
						out += fmt.Sprintf("   ACC %s\n", show(&s.records[a]))
					}
					for j, c := range k.Candidates {
						ok := slices.Contains(t.Accept, c.Index)
						if j < 2 || ok {
							out += fmt.Sprintf("   %d %v %.3f %s\n      %s\n", j, ok, c.Score, show(&s.records[c.Index]), parts(c.Parts))
						}
					}
				}
			}
			if os.Getenv("SIMILO") != "" {
				for i := range s.targets {
					t := &s.targets[i]
					if slices.Contains(t.Accept, similoBest(s, t)) {
						r.similo++
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			fmt.Print(out)
			fmt.Printf("%-14s %-12s n=%d right=%d similo=%d  el=%d index=%v rank=%v/target\n", s.file[:9], s.name, r.n, r.right, r.similo, len(s.prints), idx, rk/time.Duration(r.n))
			x := tot[s.file]
			if x == nil {
				x = &res{}
				tot[s.file] = x
			}
			x.n += r.n; x.single += r.single
			x.right += r.right
			x.similo += r.similo
		}()
	}
	wg.Wait()
	for f, x := range tot {
		fmt.Printf("%s single %d page %d/%d %.2f%% similo %.2f%%\n", f, x.single, x.right, x.n, 100*float64(x.right)/float64(x.n), 100*float64(x.similo)/float64(x.n))
	}
	fmt.Println(time.Since(start))
}

func show(r *record) string {
	c := func(s string, n int) string {
		if len(s) > n {
			return s[:n]
		}
		return s
	}
	x := r.XPath
	if len(x) > 70 {
		x = "…" + x[len(x)-70:]
	}
	b := ""
	if r.X != nil {
		b = fmt.Sprintf("[%v,%v %vx%v]", *r.X, *r.Y, *r.Width, *r.Height)
	}
	return fmt.Sprintf("%s id=%s name=%s cl=%s href=%s txt=%q val=%q al=%q ti=%q nb=%q %s %s", r.Tag, c(r.ID, 30), c(r.Name, 20), c(r.Class, 40), c(r.Href, 60), c(r.visible(), 50), c(r.Value, 20), c(r.Alt, 20), c(r.Title, 20), c(r.Neighbors, 50), b, x)
}

func parts(ps []healing.Part) string {
	s := ""
	for _, p := range ps {
		s += fmt.Sprintf("%s %.2f(%.3f) ", p.Name, p.Similarity, p.Contribution)
	}
	return s
}
