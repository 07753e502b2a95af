package bullmq

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// What a consumer owes a queue beside its jobs. A [Worker] does all of it by itself; these are for those that take jobs
// in another way, such as by [Projector.Take].

// DefaultStalledInterval is how often workers look for the jobs of dead ones.
const DefaultStalledInterval = 30 * time.Second

// ArmNext adds the job that comes after a scheduler's job that has become active, and returns its id; or nothing, if the
// job is no scheduler's, or if there is none to add: the scheduler is gone, was changed or armed by somebody else, or has
// reached its limit or its end.
func (q *Queue) ArmNext(ctx context.Context, job Job) (id string, err error) {
	id, err = newArmer(q.rdb, q.keys).armNext(ctx, job, time.Now())
	if err != nil {
		return "", q.failedJob("arming what follows", job.ID, err)
	}
	return id, nil
}

// Recovered is what became of active jobs without a lock.
type Recovered struct {
	Back    []string // ids of those that wait again
	Dropped []string // ids that were no jobs
}

// RecoverStalled gives jobs back whose worker has died: those that were active at the last look and have no lock. One that
// stalled more often than that has its failure laid down (defa): the next consumer fails it. All consumers of a queue share the
// rhythm: if the last look is not that long ago, nothing is done.
func (q *Queue) RecoverStalled(ctx context.Context, interval time.Duration, mostStalls int) (Recovered, error) {
	keys, args := stallCall(q.keys, interval, mostStalls)
	recovered, err := readRecovered(q.scripts.stall.exec(ctx, q.rdb, keys, args...).Result())
	if err != nil {
		return Recovered{}, q.failed("looking for stalled jobs of", err)
	}
	return recovered, nil
}

// stallCall lays out one run of the stall script: see its header.
func stallCall(k Keys, interval time.Duration, mostStalls int) (keys []string, args []any) {
	return []string{
		k.Wait(), k.Paused(), k.Active(), k.Events(), k.Meta(), k.Marker(), k.Stalled(), k.StalledCheck(), k.Repeat(),
	}, []any{k.Base(), millis(time.Now()), lifeMillis(interval), strconv.Itoa(mostStalls)}
}

func readRecovered(reply any, err error) (Recovered, error) {
	if err != nil {
		return Recovered{}, err
	}
	parts := asReply(reply)
	if len(parts) < 3 {
		return Recovered{}, errors.New("reading what Redis says of stalled jobs: too little")
	}
	texts := func(list any) []string {
		var ids []string
		for _, id := range asReply(list) {
			ids = append(ids, asText(id))
		}
		return ids
	}
	return Recovered{Back: texts(parts[1]), Dropped: texts(parts[2])}, nil
}
