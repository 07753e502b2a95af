package artifact

import (
	"context"
	"errors"
	"fmt"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// nobodysRun is a run that does not exist.
const nobodysRun = "health-check"

// Reachable says whether a store answers, by asking it for the files of a run that does not exist.
func Reachable(ctx context.Context, s Store) error {
	if _, err := s.List(ctx, nobodysRun); err != nil && !errors.Is(err, ErrNotFound) {
		return fault.Wrap(fault.Unavailable, fmt.Errorf("listing files: %w", err), "the artifact store does not answer")
	}
	return nil
}
