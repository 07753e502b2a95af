package main

import (
	"context"
	"fmt"
	"maps"
)

// adaptation measures what passing runs pay for being able to heal: the same tests one at a time, with adaptiveMode off, on with
// elements that are known, and on with elements that are not known yet, in turns.
func (b *bench) adaptation(ctx context.Context) error {
	const rounds = 12
	all := scenarios()
	took := func(s scenario, title string, mode any) (float64, error) {
		if title != "" {
			s.title = title
		}
		definition, err := s.definition()
		if err != nil {
			return 0, err
		}
		config := b.config()
		maps.Copy(config, map[string]any{"adaptiveMode": mode})
		id, err := b.system.submit(ctx, definition, map[string]any{"config": config})
		if err != nil {
			return 0, err
		}
		if _, err := b.system.awaitRuns(ctx, []string{id}, "completed"); err != nil {
			return 0, err
		}
		began, ended, err := b.system.attemptTimes(ctx, id)
		return ended.Sub(began).Seconds() * 1000, err
	}
	var off, known, unknown []float64
	for round := range rounds + 1 {
		for i, s := range all[:5] { // one of each kind
			if round == 0 { // it is cold, and elements get known
				if _, err := took(s, "", true); err != nil {
					return err
				}
				continue
			}
			without, err := took(s, "", false)
			if err != nil {
				return err
			}
			with, err := took(s, "", true)
			if err != nil {
				return err
			}
			fresh, err := took(s, fmt.Sprintf("%s, for the first time %d-%d", s.title, round, i), true)
			if err != nil {
				return err
			}
			off, known, unknown = append(off, without), append(known, with), append(unknown, fresh)
		}
	}
	for _, f := range []struct {
		name    string
		figures []float64
	}{{"adaptiveMode off", off}, {"on, the elements are known", known}, {"on, the elements are described for the first time", unknown}} {
		b.say("  %5.1f ms (p99 %5.1f)  %s", percentile(f.figures, 0.5), percentile(f.figures, 0.99), f.name)
	}
	median := percentile(off, 0.5)
	b.found("adaptation_cost", "%.1f %% (of %d runs each; %.0f %% where the elements are not known yet)",
		100*(percentile(known, 0.5)/median-1), len(off), 100*(percentile(unknown, 0.5)/median-1))
	return nil
}
