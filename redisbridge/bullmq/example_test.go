package bullmq_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// A job is added and started, and what happened is delivered twice.
func ExampleProjector_Apply() {
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})
	defer rdb.Close() //nolint:errcheck // nothing is pending on it
	projector := bullmq.NewProjector(rdb, bullmq.DefaultPrefix)

	job := bullmq.Job{
		ID: "7d0c", Name: "execute-test", Data: json.RawMessage(`{"testCaseId":"login"}`),
		Timestamp: time.Now(), State: bullmq.Waiting, MaxAttempts: 3, Priority: 5,
	}
	added := bullmq.Change{Job: job, Transition: bullmq.Added, Seq: 1}
	job.State, job.AttemptsStarted, job.ProcessedOn = bullmq.Active, 1, time.Now()
	started := bullmq.Change{Job: job, Transition: bullmq.Started, Seq: 2}

	results, err := projector.Apply(ctx, "test-execution", []bullmq.Change{added, started, added, started})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, result := range results {
		fmt.Println(result.Outcome) // projected, projected, seen, seen
	}
}

func ExampleKeys() {
	keys := bullmq.NewKeys("bull", "test-execution")
	fmt.Println(keys.Prioritized())
	fmt.Println(keys.Job("7d0c"))
	fmt.Println(keys.Epoch())
	// Output:
	// bull:test-execution:prioritized
	// bull:test-execution:7d0c
	// cinnamon:bull:test-execution:epoch
}

func ExampleKeep() {
	var opts struct{ RemoveOnComplete bullmq.Keep }
	if err := json.Unmarshal([]byte(`{"removeOnComplete": {"count": 100, "age": 3600}}`), &opts); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*opts.RemoveOnComplete.Count, opts.RemoveOnComplete.Age)
	// Output: 100 1h0m0s
}
