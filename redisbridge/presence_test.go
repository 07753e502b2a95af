package redisbridge_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// clientsSee returns the workers of the bundle's queue as the real library lists them.
func (b *bundle) clientsSee(library string) []string {
	b.t.Helper()
	modules := nodeModules(b.t)
	command := exec.CommandContext(b.t.Context(), "node", "testdata/workers.cjs", modules, library, b.cfg.Redis.URL.Reveal(),
		b.cfg.Queue.Prefix, b.def.Name)
	command.Stderr = os.Stderr
	output, err := command.Output()
	require.NoError(b.t, err)
	return strings.Fields(string(output))
}

func TestClientsSeeWorkers(t *testing.T) {
	t.Parallel()
	b, own := setupAlone(t)
	b.cfg.Worker.Name = "host 1-ü"
	p := b.publisher()
	other := *b
	other.cfg.Worker.Name = "host-2"
	q := other.publisher()
	defer q.Close()
	base := b.cfg.Queue.Prefix + ":dGVzdC1leGVjdXRpb24=:w:" // test-execution
	listed := func(name string) bool {
		return strings.Contains(b.rdb.ClientList(t.Context()).Val(), "name="+base+name+" ")
	}
	b.await(patience, "both are there", func() bool { return listed("host-1--") && listed("host-2") })
	for _, library := range []string{"bullmq6", "bullmq5", "bullmq534"} {
		seen := b.clientsSee(library)
		require.Len(t, seen, 2, library)
		require.Subset(t, []string{base + "host-1--", base + "host-2", b.def.Name}, seen, library)
	}

	own.Kill(t)
	own.Restart(t)
	b.await(patience, "both are there again", func() bool { return listed("host-1--") && listed("host-2") })
	p.Close()
	b.await(patience, "one is gone", func() bool { return !listed("host-1--") })
	require.True(t, listed("host-2"))
}
