package redisbridge_test

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
	"github.com/cinnamon-qa/cinnamon/store"
)

// clientOf is a client of the queue, with a case that its jobs may run.
func (b *bundle) clientOf() *bullmq.Queue {
	b.t.Helper()
	_, err := b.records.SaveCase(b.t.Context(), store.TestCase{ID: "case", Title: "A case", Definition: json.RawMessage(`{"title":"A case","steps":[{"type":"navigate","url":"/"}]}`)})
	require.NoError(b.t, err)
	q, err := bullmq.NewQueue(b.rdb, b.def.Name, bullmq.WithPrefix(b.cfg.Queue.Prefix))
	require.NoError(b.t, err)
	return q
}

// schedule writes a scheduler as clients do, armed for a slot for which there is no job.
func (b *bundle) schedule(id string, next time.Time, alter map[string]string) {
	b.t.Helper()
	fields := map[string]string{
		"name": b.def.JobName, "every": "3600000", "data": `{"testCaseId":"case"}`, "ic": "2",
		"opts": `{"attempts":4,"priority":3}`,
	}
	maps.Copy(fields, alter)
	for name, value := range fields {
		if value == "" {
			delete(fields, name)
		}
	}
	_, err := b.rdb.TxPipelined(b.t.Context(), func(pipe redis.Pipeliner) error {
		pipe.HSet(b.t.Context(), b.keys.Scheduler(id), fields)
		pipe.ZAdd(b.t.Context(), b.keys.Repeat(), redis.Z{Score: float64(next.UnixMilli()), Member: id})
		return nil
	})
	require.NoError(b.t, err)
}

// kept returns the scheduler as Postgres keeps it.
func (b *bundle) kept(id string) (store.JobScheduler, bool) {
	b.t.Helper()
	list, err := b.records.Schedulers(b.t.Context(), b.def.Name)
	require.NoError(b.t, err)
	for _, js := range list {
		if js.ID == id {
			return js, true
		}
	}
	return store.JobScheduler{}, false
}

func (b *bundle) awaitKept(id string, kept bool) {
	b.t.Helper()
	b.await(patience, "scheduler "+id+" is kept: "+strconv.FormatBool(kept), func() bool {
		_, is := b.kept(id)
		return is == kept
	})
}

// armed returns the slot of the scheduler's newest job.
func (b *bundle) armed(id string) time.Time {
	b.t.Helper()
	score, err := b.rdb.ZScore(b.t.Context(), b.keys.Repeat(), id).Result()
	require.NoError(b.t, err)
	return time.UnixMilli(int64(score))
}

func slotID(id string, slot time.Time) string {
	return "repeat:" + id + ":" + strconv.FormatInt(slot.UnixMilli(), 10)
}

// TestASchedulerThatStoppedGoesOn: nobody added the job after the newest one.
func TestASchedulerThatStoppedGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clientOf()
	past := now().Add(-time.Minute)
	job := func(id, place string, opts string) {
		key := slotID(id, past)
		require.NoError(t, b.rdb.HSet(t.Context(), b.keys.Job(key), "name", b.def.JobName, "data", `{"testCaseId":"case"}`, "opts", opts,
			"timestamp", past.UnixMilli(), "delay", 0, "priority", 0, "rjk", id).Err())
		switch place {
		case "active":
			require.NoError(t, b.rdb.LPush(t.Context(), b.keys.Active(), key).Err())
			require.NoError(t, b.rdb.Set(t.Context(), b.keys.Lock(key), "another:1", time.Minute).Err())
		case "wait":
			require.NoError(t, b.rdb.LPush(t.Context(), b.keys.Wait(), key).Err())
		}
	}
	b.schedule("gone", past, nil)
	b.schedule("old-client", past, map[string]string{"ic": "", "opts": ""})
	b.schedule("ended", past, map[string]string{"limit": "2"})
	b.schedule("begun", past, nil)
	job("begun", "active", `{"attempts":2,"repeat":{"every":3600000,"count":7}}`)
	b.schedule("waits", past, nil)
	job("waits", "wait", `{"attempts":2}`)
	b.schedule("early", now(), nil)
	b.settled()

	for id, want := range map[string]struct{ attempts, priority, count int }{
		"gone": {4, 3, 3}, "old-client": {0, 0, 1}, "begun": {2, 0, 8},
	} {
		b.await(patience, id+" goes on", func() bool { return b.armed(id).After(past) })
		next := bullmq.DecodeJob("", b.rdb.HGetAll(t.Context(), b.keys.Job(slotID(id, b.armed(id)))).Val())
		options, err := next.Options()
		require.NoError(t, err)
		require.Equal(t, want, struct{ attempts, priority, count int }{options.Attempts, options.Priority, options.Repeat.Count}, id)
	}
	b.awaitRun("gone-" + strconv.FormatInt(b.armed("gone").UnixMilli(), 10))
	// Another look at all of them goes by.
	b.schedule("last", past, nil)
	b.await(patience, "the last one goes on", func() bool { return b.armed("last").After(past) })
	require.Equal(t, past, b.armed("ended").UTC(), "it has made all its jobs")
	require.Equal(t, past, b.armed("waits").UTC(), "its job has not begun")
}

func (b *bundle) awaitRun(id string) (run store.Run) {
	b.t.Helper()
	b.await(patience, "run "+id+" is there", func() bool {
		var err error
		run, err = b.records.Run(b.t.Context(), id)
		return err == nil
	})
	return run
}

// TestASchedulersRecordFollowsRedis: with what clients of version 5.34 say in their jobs alone.
func TestASchedulersRecordFollowsRedis(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := b.clientOf()
	b.settled()
	_, err := q.UpsertScheduler(t.Context(), "yearly", bullmq.Repeat{Pattern: "0 0 1 1 *", TZ: "UTC", Limit: 5}, bullmq.NewJob{
		Name: b.def.JobName, Data: map[string]string{"testCaseId": "none"},
	})
	require.NoError(t, err)
	b.awaitKept("yearly", true)
	require.Len(t, b.set(b.keys.Delayed()), 1, "a job that can't be carried out fails when it is due, and not before")
	require.Equal(t, 1, b.log.count("jobs of a scheduler can't be carried out"))
	require.NoError(t, b.rdb.HDel(t.Context(), b.keys.Scheduler("yearly"), "ic", "limit").Err())
	require.NoError(t, b.rdb.HSet(t.Context(), b.keys.Scheduler("yearly"), "tz", "Europe/Berlin").Err())
	b.await(patience, "the change is kept", func() bool { js, _ := b.kept("yearly"); return js.Fields["tz"] == "Europe/Berlin" })
	js, _ := b.kept("yearly")
	require.Equal(t, []string{"1", "5"}, []string{js.Fields["ic"], js.Fields["limit"]})

	removed, err := q.RemoveScheduler(t.Context(), "yearly")
	require.NoError(t, err)
	require.True(t, removed)
	b.awaitKept("yearly", false)
}

// TestAnAttemptOfAPlannedRunLeavesItToTheBridge: the scheduler was removed, and no bridge is up.
func TestAnAttemptOfAPlannedRunLeavesItToTheBridge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := b.clientOf()
	stop := b.settled()
	job, err := q.UpsertScheduler(t.Context(), "yearly", bullmq.Repeat{Pattern: "0 0 1 1 *", TZ: "UTC"}, bullmq.NewJob{
		Name: b.def.JobName, Data: map[string]string{"testCaseId": "case"},
	})
	require.NoError(t, err)
	run := b.awaitRun("yearly-" + job[strings.LastIndex(job, ":")+1:])
	stop()
	_, err = q.RemoveScheduler(t.Context(), "yearly")
	require.NoError(t, err)
	grant := b.ask(b.claims(), job)
	require.Equal(t, queue.Later, grant.Kind)
	require.Contains(t, grant.Why, "scheduler")
	after, err := b.records.Run(t.Context(), run.ID)
	require.NoError(t, err)
	require.Equal(t, store.RunPending, after.Status)
}

// TestAnEvictedSchedulerIsNotARemovedOne: Redis throws all that it has away.
func TestAnEvictedSchedulerIsNotARemovedOne(t *testing.T) {
	t.Parallel()
	b, _ := setupAlone(t)
	require.NoError(t, b.rdb.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
	b.settled()
	next := now().Add(time.Hour)
	b.schedule("hourly", next, nil)
	b.awaitKept("hourly", true)
	before, _ := b.kept("hourly")

	require.NoError(t, b.rdb.ConfigSet(t.Context(), "maxmemory", "1").Err())
	b.await(patience, "the scheduler is evicted", func() bool {
		// What is left needs not to be thrown away before somebody wants more room.
		b.rdb.Set(t.Context(), b.keys.Base()+"filler", strings.Repeat("x", 100), 0)
		return b.rdb.Exists(t.Context(), b.keys.Repeat(), b.keys.Scheduler("hourly")).Val() < 2
	})
	require.NoError(t, b.rdb.ConfigSet(t.Context(), "maxmemory", "0").Err())
	b.await(patience, "it is shown again", func() bool {
		return maps.Equal(before.Fields, b.rdb.HGetAll(t.Context(), b.keys.Scheduler("hourly")).Val()) &&
			b.rdb.ZScore(t.Context(), b.keys.Repeat(), "hourly").Val() == float64(next.UnixMilli())
	})
	after, kept := b.kept("hourly")
	require.True(t, kept)
	require.Equal(t, before, after)

	require.NoError(t, b.rdb.ZRem(t.Context(), b.keys.Repeat(), "hourly").Err())
	require.NoError(t, b.rdb.Del(t.Context(), b.keys.Scheduler("hourly")).Err())
	b.awaitKept("hourly", false)
}

// TestTheJobThatAClientWantedLastFollows: deduplication with keepLastIfActive, when a run ends here.
func TestTheJobThatAClientWantedLastFollows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	q := b.clientOf()
	b.settled()
	add := func(name string) bullmq.Receipt {
		receipt, err := q.Add(t.Context(), b.def.JobName, map[string]string{"testCaseId": "case", "testRunId": b.id(name)},
			bullmq.JobOptions{Deduplication: &bullmq.Deduplication{ID: "one", KeepLastIfActive: true}})
		require.NoError(t, err)
		return receipt
	}
	job := add("first").ID
	b.awaitRun(b.id("first"))
	grant := b.ask(b.claims(), job)
	require.Equal(t, queue.Granted, grant.Kind)
	claim, err := b.records.ClaimAttempt(t.Context(), b.def.Name, b.id("first"), "worker-1", 0, now(), grant.Taken)
	require.NoError(t, err)
	require.True(t, add("second").Deduplicated)
	require.True(t, add("third").Deduplicated)

	b.finish(b.id("first"), claim.Attempt, store.Outcome{Status: store.RunCompleted, Result: json.RawMessage(`{}`)})
	run := b.awaitRun(b.id("third"))
	_, err = b.records.Run(t.Context(), b.id("second"))
	require.Error(t, err, "only the last one follows")
	require.Equal(t, []string{run.JobID}, b.list(b.keys.Wait()))
	b.await(patience, "it has its place in the list of those that wait", func() bool {
		return strings.Join(b.list(b.keys.Waiting()), " ") == run.JobID
	})
	require.Equal(t, run.JobID, b.rdb.Get(t.Context(), b.keys.Base()+"de:one").Val())
	require.True(t, add("fourth").Deduplicated, "it has the deduplication id now")

	b.pass(b.id("third"))
	b.await(patience, "the id is free", func() bool { return b.rdb.Exists(t.Context(), b.keys.Base()+"de:one").Val() == 0 })
}
