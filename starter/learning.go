package starter

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/cinnamon-qa/cinnamon/activities"
	"github.com/cinnamon-qa/cinnamon/internal/obs"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/store"
)

// learnStore knows of which cases runs have left something to learn.
type learnStore interface {
	LearningDue(ctx context.Context, since time.Duration, limit int) ([]string, error)
	CreateLearningJob(ctx context.Context, testCaseID string, n store.NewJob) (created bool, err error)
}

// addLearning adds a job for each case of which runs have left something to learn, once other runs of it had the time to end.
func (s *Starter) addLearning(ctx context.Context) error {
	due, err := s.Store.LearningDue(ctx, s.LearningDebounce, sweepBatch)
	if err != nil {
		return err
	}
	for _, id := range due {
		data, err := json.Marshal(activities.LearningRequest{TestCaseID: id})
		if err != nil {
			return fmt.Errorf("encoding a job that learns: %w", err)
		}
		n, start, err := s.prepareJob(Job{Queue: queue.AdaptationLearning, ID: uuid.NewString(), Data: data})
		if err != nil {
			return err
		}
		created, err := s.Store.CreateLearningJob(ctx, id, n)
		if err != nil {
			return err
		}
		if created {
			obs.Named(s.Log, obs.QueueLog(start.Queue)).DebugContext(ctx, obs.JobAdded, "job_id", start.RunID, "queue", start.Queue, "test_case_id", id)
			if !s.startJobSoon(ctx, start) {
				return nil // the others wait until Temporal is back
			}
		}
	}
	return nil
}
