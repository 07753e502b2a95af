package browser_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
)

func TestError(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("running step 3: %w", &browser.Error{Kind: browser.NotFound, Message: "no element matches any of: #add", Cause: context.DeadlineExceeded})
	require.EqualError(t, err, "running step 3: no element matches any of: #add")
	require.Equal(t, browser.NotFound, browser.KindOf(err))
	require.ErrorIs(t, err, &browser.Error{Kind: browser.NotFound})
	require.NotErrorIs(t, err, &browser.Error{Kind: browser.Timeout})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	found, ok := errors.AsType[*browser.Error](err)
	require.True(t, ok)
	require.Equal(t, "no element matches any of: #add", found.Message)
	require.Empty(t, browser.KindOf(errors.New("other")))
	require.Empty(t, browser.KindOf(nil))
	require.True(t, browser.IsCutShort(fmt.Errorf("running step 3: %w", &browser.Error{Kind: browser.NotFound, CutShort: true})))
	require.False(t, browser.IsCutShort(err))
	require.False(t, browser.IsCutShort(context.DeadlineExceeded), "that is the context's own")
}
