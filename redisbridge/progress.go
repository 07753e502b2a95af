package redisbridge

import (
	"context"
	_ "embed"
	"encoding/json"
	"time"

	"github.com/redis/go-redis/v9"
)

// progressTTL is how long the progress of a run stays after its last change.
const progressTTL = 24 * time.Hour

//go:embed lua/progress-1.lua
var progressLua string

// progressKey is the documented key, and channel, of a run's progress.
func progressKey(runID string) string { return "progress:" + runID }

// progressKeys writes progress:<test run id> keys.
type progressKeys struct {
	script *redis.Script
}

func newProgressKeys() progressKeys { return progressKeys{script: redis.NewScript(progressLua)} }

// queue adds the writing of a run's progress to a pipeline.
func (k progressKeys) queue(ctx context.Context, pipe redis.Pipeliner, runID string, record json.RawMessage) *redis.Cmd {
	return k.script.Eval(ctx, pipe, []string{progressKey(runID)}, string(record), int64(progressTTL/time.Second))
}
