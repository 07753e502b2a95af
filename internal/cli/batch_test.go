package cli_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

func TestManyTestsAreStartedTogether(t *testing.T) {
	t.Parallel()
	titles := []string{"refused"}
	for i := range 250 {
		titles = append(titles, fmt.Sprintf("passes %d", i))
	}
	b := setup(t, titles...)
	code, err := b.run(t)
	require.ErrorContains(t, err, "1 of 251 test cases could not be started")
	require.ErrorContains(t, err, "is not allowed")
	require.Equal(t, cli.ExitUsage, code)
	require.Equal(t, 2, b.api.batches)
	require.Len(t, b.api.starts, 250)
}
