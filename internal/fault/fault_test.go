package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

func TestCodeIsFoundInAChain(t *testing.T) {
	t.Parallel()
	cause := errors.New("refused")
	err := fmt.Errorf("starting: %w", fault.Wrap(fault.Unavailable, cause, "the database is away"))
	require.Equal(t, fault.Unavailable, fault.Of(err))
	require.ErrorIs(t, err, cause)
	require.EqualError(t, err, "starting: the database is away: refused")

	require.Equal(t, fault.Internal, fault.Of(errors.New("a bug")))
	require.Equal(t, fault.Unavailable, fault.Of(fmt.Errorf("reading: %w", context.DeadlineExceeded)))
}

func TestInvalidFieldNamesTheField(t *testing.T) {
	t.Parallel()
	err := fault.InvalidField("delay", "it is %d", -1)
	require.Equal(t, fault.Invalid, fault.Of(err))
	require.Equal(t, []fault.Field{{Field: "delay", Message: "it is -1"}}, err.Fields)
	require.EqualError(t, err, "delay: it is -1")
}
