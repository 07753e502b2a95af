package bullmq_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// TestWorkersShareAQueue: ours and BullMQ's own do each job once.
func TestWorkersShareAQueue(t *testing.T) {
	t.Parallel()
	for _, library := range judges() {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			client := newNode(t, b, library)
			client.ask(nil, "start", b.queue, O{"concurrency": 2})
			b.work(obey, bullmq.WorkerOptions{Name: "go", Concurrency: 2})
			const jobs = 200
			bulk := make([]D, jobs)
			for i := range bulk {
				bulk[i] = D{"name": "n", "data": D{"do": "sleep", "ms": 1, "result": i}, "opts": O{"priority": i % 3}}
				if i%10 == 0 {
					bulk[i]["data"] = D{"do": "fail", "times": 1, "msg": "e"}
					bulk[i]["opts"] = O{"attempts": 2, "backoff": 10}
				}
			}
			var ids []string
			client.ask(&ids, "queue", b.queue, "addBulk", bulk)
			require.Len(t, ids, jobs)
			eventually(t, "all jobs have ended", func() bool { return len(b.set(b.keys.Completed())) == jobs })
			ended, by := map[string]int{}, map[string]int{}
			for _, event := range b.events() {
				var id string
				if _, err := fmt.Sscanf(event, "event completed jobId %s", &id); err == nil {
					ended[id]++
				}
			}
			for i, id := range ids {
				hash := b.hash(id)
				require.Equal(t, 1, ended[id], id)
				want := "1"
				if i%10 == 0 {
					want = "2"
				}
				require.Equal(t, []string{want, want}, []string{hash["atm"], hash["ats"]}, id)
				by[hash["pb"]]++
			}
			require.Positive(t, by["go"])
			require.Less(t, by["go"], jobs)

			var workers []string
			client.ask(&workers, "workers", b.queue)
			name := b.prefix + ":cQ==:w:" // q in base 64
			require.Subset(t, []string{name + "go", name + "wk"}, workers)
			require.Contains(t, workers, name+"go")
		})
	}
}

// TestOursRecoversTheJobsOfADeadWorker: BullMQ's own is killed while it runs some.
func TestOursRecoversTheJobsOfADeadWorker(t *testing.T) {
	t.Parallel()
	for _, library := range judges() {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			client, doomed := newNode(t, b, library), newNode(t, b, library)
			doomed.ask(nil, "start", b.queue, O{"concurrency": 3, "lockDuration": 600, "stalledInterval": 3600000})
			var ids []string
			for range 3 {
				ids = append(ids, client.add(b.queue, "n", D{"do": "sleep", "ms": 3600000}, O{}))
			}
			eventually(t, "all run", func() bool { return len(b.list(b.keys.Active())) == 3 })
			require.NoError(t, doomed.command.Process.Kill())
			for _, id := range ids {
				require.NoError(t, b.rdb.HSet(t.Context(), b.keys.Job(id), "data", `{"do":"ok","result":"saved"}`).Err())
			}
			require.NoError(t, b.rdb.Del(t.Context(), b.keys.Base()+"stalled-check").Err())
			b.work(obey, bullmq.WorkerOptions{Name: "go", StalledInterval: 100 * time.Millisecond})
			for _, id := range ids {
				b.ends(id, "completed")
				hash := b.hash(id)
				require.Equal(t, []string{"1", "1", "2", `"saved"`}, []string{hash["stc"], hash["atm"], hash["ats"], hash["returnvalue"]})
			}
		})
	}
}
