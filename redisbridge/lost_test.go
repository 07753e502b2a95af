package redisbridge_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/queue"
)

// TestJobThatIsInNoCollectionIsShownAgain does what happens when clients of majors 5 and 6 pause and resume by turns: one's
// RENAME overwrites the other's list, and the jobs in it are in none any more.
func TestJobThatIsInNoCollectionIsShownAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.settled()
	plain, urgent := b.add("plain", nil), b.add("urgent", func(o *queue.Options) { o.Priority = 3 })
	b.awaitSeq(plain, 1)
	b.awaitSeq(urgent, 1)
	b.awaitRelayed()
	events := b.events()
	require.NoError(t, b.rdb.HSet(t.Context(), b.keys.Job(plain), "data", `{"edited":true}`).Err())
	require.NoError(t, b.rdb.Del(t.Context(), b.keys.Wait(), b.keys.Prioritized(), b.keys.Waiting()).Err())

	b.await(patience, "the jobs wait again", func() bool {
		return slices.Equal([]string{plain}, b.list(b.keys.Wait())) && slices.Equal([]string{urgent}, b.set(b.keys.Prioritized()))
	})
	require.ElementsMatch(t, []string{plain, urgent}, b.list(b.keys.Waiting()))
	require.JSONEq(t, `{"edited":true}`, b.field(plain, "data"), "what a client wrote stays")
	require.Equal(t, events, b.events(), "nothing happened to the jobs")
}
