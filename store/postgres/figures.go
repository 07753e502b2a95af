package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// Figures counts what operators watch. A queue without any open job or change is not among them.
func (s *Store) Figures(ctx context.Context) (store.Figures, error) {
	const problem = "the figures could not be read"
	var f store.Figures
	var err error
	f.Depths, err = collect(ctx, s, problem, func(row pgx.CollectableRow) (store.Depth, error) {
		var d store.Depth
		var state string
		var oldest float64
		err := row.Scan(&d.Queue, &state, &d.Jobs, &oldest)
		d.State, d.Oldest = queue.State(state), seconds(oldest)
		return d, err
	}, s.query["figures_depth"])
	if err != nil {
		return f, err
	}
	f.Backlogs, err = collect(ctx, s, problem, func(row pgx.CollectableRow) (store.Backlog, error) {
		var b store.Backlog
		var oldest float64
		err := row.Scan(&b.Queue, &b.Rows, &oldest, &b.SetAside)
		b.Oldest = seconds(oldest)
		return b, err
	}, s.query["figures_backlog"])
	return f, err
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
