package bullmq

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// ArmNext lets a scheduler add its next job, as a worker does that took the one before.
func ArmNext(ctx context.Context, rdb redis.UniversalClient, keys Keys, job Job, now time.Time) (string, error) {
	return newArmer(rdb, keys).armNext(ctx, job, now)
}
