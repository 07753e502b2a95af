package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// Runs of a batch are created or found one by one: one that is there, one whose key is, one whose key belongs to another request, and two
// of the same key don't keep the others out.
func testRunsOfABatch(t *testing.T, f *fixture) {
	f.migrated(t)
	keyed := func(id, key, hash string) store.NewRun {
		n := newRun(t, id, threeAttempts)
		n.IdempotencyKey, n.RequestHash = key, hash
		return n
	}
	f.create(t, keyed("earlier", "k1", "h1"))
	created, err := f.CreateRuns(t.Context(), []store.NewRun{
		keyed("a", "", ""), keyed("earlier", "", ""), keyed("b", "k1", "h1"), keyed("c", "k1", "other"), keyed("d", "k2", "h2"), keyed("e", "k2", "h2"),
	})
	require.NoError(t, err)
	require.Len(t, created, 6)
	require.Equal(t, store.Created{RunID: "a", Created: true}, created[0])
	require.Equal(t, fault.Conflict, fault.Of(created[1].Err))
	require.Equal(t, store.Created{RunID: "earlier"}, created[2])
	require.Equal(t, fault.Conflict, fault.Of(created[3].Err))
	require.Equal(t, store.Created{RunID: "d", Created: true}, created[4])
	require.Equal(t, store.Created{RunID: "d"}, created[5])
	for _, id := range []string{"a", "d"} {
		require.Equal(t, queue.Active, f.claim(t, id, 0).Job.State)
	}
}
