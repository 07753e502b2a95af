package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// whole is what the stream tells of every job.
const whole = "added 1, waiting 1, active 1, progress 5, completed 1"

// verify makes sure that each of so many jobs went through its whole life: the stream has every entry of it, and the
// hash what it leaves. It is the same for both sides.
func (b *bench) verify(ctx context.Context, queue string, jobs int) error {
	keys := bullmq.NewKeys(prefix, queue)
	told := map[string]map[string]int{}
	start := "-"
	for {
		entries, err := b.rdb.XRangeN(ctx, keys.Events(), start, "+", 10_000).Result()
		if err != nil {
			return fmt.Errorf("reading the stream: %w", err)
		}
		for _, entry := range entries {
			id, _ := entry.Values["jobId"].(string)
			event, _ := entry.Values["event"].(string)
			if id == "" {
				continue // drained
			}
			if told[id] == nil {
				told[id] = map[string]int{}
			}
			told[id][event]++
		}
		if len(entries) < 10_000 {
			break
		}
		start = "(" + entries[len(entries)-1].ID
	}
	if len(told) != jobs {
		return fmt.Errorf("listeners were told of %d jobs, not of %d", len(told), jobs)
	}
	completed, err := b.rdb.ZRange(ctx, keys.Completed(), 0, -1).Result()
	if err != nil || len(completed) != jobs {
		return fmt.Errorf("%d jobs are completed, not %d: %w", len(completed), jobs, err)
	}
	pipe := b.rdb.Pipeline()
	for _, id := range completed {
		of := told[id]
		got := fmt.Sprintf("added %d, waiting %d, active %d, progress %d, completed %d",
			of["added"], of["waiting"], of["active"], of["progress"], of["completed"])
		if got != whole || len(of) != 5 {
			return fmt.Errorf("of job %s listeners were told %v, not %s", id, of, whole)
		}
		pipe.HMGet(ctx, keys.Job(id), "ats", "atm", "processedOn", "finishedOn", "returnvalue", "progress", "data", "pb")
	}
	hashes, err := pipe.Exec(ctx)
	if err != nil {
		return fmt.Errorf("reading the jobs: %w", err)
	}
	for _, hash := range hashes {
		text := hash.String()
		if strings.Contains(text, "nil") || !strings.Contains(text, `"percentage":100`) || !strings.Contains(text, `"completedSteps":5`) {
			return fmt.Errorf("a job's hash is not whole: %s", text)
		}
	}
	for _, list := range []string{keys.Wait(), keys.Active()} {
		if n := b.rdb.LLen(ctx, list).Val(); n != 0 {
			return fmt.Errorf("%s still holds %d jobs", list, n)
		}
	}
	return nil
}

// info reads a section of INFO.
func (b *bench) info(ctx context.Context, section string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(b.rdb.Info(ctx, section).Val()) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

func difference(before, after map[string]string, name string) float64 {
	return number(after[name]) - number(before[name])
}

func number(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64)
	return n
}

// cpuMicros is the CPU time that Redis has used, in microseconds.
func (b *bench) cpuMicros(ctx context.Context) float64 {
	cpu := b.info(ctx, "cpu")
	return 1e6 * (number(cpu["used_cpu_sys"]) + number(cpu["used_cpu_user"]))
}
