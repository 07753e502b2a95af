package redisbridge_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/store"
)

// step is the progress record of a step of three.
func step(n int, status string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"currentStep":%d,"totalSteps":3,"percentage":%d,"message":"Step %d of 3: click","stepData":`+
		`{"action":"click","status":%q,"duration":%d}}`, n, 33*n, n, status, 10*n))
}

func line(attempt, n int) string {
	return fmt.Sprintf("attempt %d: Step %d of 3: click: completed in %d ms", attempt, n, 10*n)
}

func TestJobsLogHasALineForEachStep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.settled()
	p := b.publisher()
	defer p.Close()
	id := b.add("run", nil)
	log := b.keys.Logs(id)
	attempt := b.claim(id, 0)
	for n := 1; n <= 3; n++ {
		p.Publish(b.def.Name, id, id, attempt, step(n, "running"))
		p.Publish(b.def.Name, id, id, attempt, step(n, "completed"))
		p.Publish(b.def.Name, id, id, attempt, step(n, "completed")) // said twice, written once
	}
	want := []string{line(1, 1), line(1, 2), line(1, 3)}
	b.await(patience, "the steps are logged", func() bool { return len(b.list(log)) == 3 })
	require.Equal(t, want, b.list(log))

	b.finish(id, attempt, store.Outcome{Status: store.RunFailed, Error: "boom"})
	b.awaitSeq(id, 3)
	attempt = b.claim(id, 1)
	p.Publish(b.def.Name, id, id, attempt, step(1, "completed"))
	b.await(patience, "the next attempt's are, too", func() bool { return len(b.list(log)) == 4 })
	require.Equal(t, append(want, line(2, 1)), b.list(log))
}

// TestJobsLogIsWrittenOnceAfterAnOutage: nothing of it is lost while Redis is away, although only the newest progress is
// kept then, and a line that was written before the connection broke is not written again.
func TestJobsLogIsWrittenOnceAfterAnOutage(t *testing.T) {
	t.Parallel()
	b, own := setupAlone(t)
	stop := b.settled()
	p := b.publisher()
	defer p.Close()
	id := b.add("run", nil)
	attempt := b.claim(id, 0)
	b.awaitSeq(id, 2)
	own.Kill(t)
	for n := 1; n <= 3; n++ {
		p.Publish(b.def.Name, id, id, attempt, step(n, "completed"))
		b.await(patience, "the publisher notices", func() bool { return b.log.count("progress is not published") > 0 })
	}
	own.Restart(t)
	b.await(patience, "the steps are logged", func() bool { return len(b.list(b.keys.Logs(id))) == 3 })
	require.Equal(t, []string{line(1, 1), line(1, 2), line(1, 3)}, b.list(b.keys.Logs(id)))
	stop()

	projector := bullmq.NewProjector(b.rdb, b.cfg.Queue.Prefix)
	lines := []bullmq.Lines{{JobID: id, Attempt: attempt, Lines: []bullmq.Line{
		{Number: 1_000_002, Text: "again"}, {Number: 1_000_003, Text: "again"}, {Number: 1_000_004, Text: "new"},
	}}}
	for range 2 {
		logged, err := projector.Log(t.Context(), b.def.Name, lines)
		require.NoError(t, err)
		require.Equal(t, []bool{true}, logged)
	}
	require.Equal(t, []string{line(1, 1), line(1, 2), line(1, 3), "new"}, b.list(b.keys.Logs(id)))

	require.NoError(t, b.rdb.HSet(t.Context(), b.keys.Job(id), "opts", `{"attempts":1,"kl":2}`).Err())
	lines[0].Lines = []bullmq.Line{{Number: 1_000_005, Text: "newer"}}
	_, err := projector.Log(t.Context(), b.def.Name, lines)
	require.NoError(t, err)
	require.Equal(t, []string{"new", "newer"}, b.list(b.keys.Logs(id)), "keepLogs is 2")

	lines[0].JobID = "unknown"
	logged, err := projector.Log(t.Context(), b.def.Name, lines)
	require.NoError(t, err)
	require.Equal(t, []bool{false}, logged)
}
