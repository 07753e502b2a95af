package redisbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

const (
	// mostLines bounds what a run may have waiting of its log.
	mostLines = 500
	// stepsApart leaves room for so many steps between the numbers of two attempts' lines.
	stepsApart = 1_000_000
)

// stepLines makes the line of a job's log that says how a step ended, from the progress record that does. The step's
// number numbers the line, so that it is written once.
func stepLines(attempt int, record json.RawMessage) []bullmq.Line {
	var p struct {
		CurrentStep int64  `json:"currentStep"`
		Message     string `json:"message"`
		StepData    struct {
			Status   string `json:"status"`
			Duration int64  `json:"duration"`
			Error    string `json:"error"`
		} `json:"stepData"`
	}
	if json.Unmarshal(record, &p) != nil || p.CurrentStep < 1 || p.CurrentStep >= stepsApart {
		return nil
	}
	if p.StepData.Status == "" || p.StepData.Status == "running" {
		return nil
	}
	text := fmt.Sprintf("attempt %d: %s: %s in %d ms", attempt, p.Message, p.StepData.Status, p.StepData.Duration)
	if p.StepData.Error != "" {
		text += ": " + p.StepData.Error
	}
	return []bullmq.Line{{Number: int64(attempt)*stepsApart + p.CurrentStep, Text: text}}
}

// readLine adds the line that the record tells of, once. That is left until listeners have the progress.
func (u *update) readLine() {
	if !u.read {
		u.read = true
		u.lines = append(u.lines, stepLines(u.attempt, u.record)...)
	}
}

func newestLines(lines []bullmq.Line) []bullmq.Line { return lines[max(0, len(lines)-mostLines):] }

// writeLogs appends the lines of a batch to the logs of its jobs and takes those out that are written, or that nobody will
// ever be able to read: of a job that is still not there.
func (p *Publisher) writeLogs(ctx context.Context, batch []update) error {
	type place struct {
		queue, jobID string
		attempt      int
	}
	at := map[place]int{}
	byQueue := map[string][]bullmq.Lines{}
	indexes := map[string][][]int{}
	for i := range batch {
		batch[i].readLine()
		u := batch[i]
		if len(u.lines) == 0 {
			continue
		}
		where := place{u.queue, u.jobID, u.attempt}
		n, ok := at[where]
		if !ok {
			n = len(byQueue[u.queue])
			at[where] = n
			byQueue[u.queue] = append(byQueue[u.queue], bullmq.Lines{JobID: u.jobID, Attempt: u.attempt})
			indexes[u.queue] = append(indexes[u.queue], nil)
		}
		byQueue[u.queue][n].Lines = append(byQueue[u.queue][n].Lines, u.lines...)
		indexes[u.queue][n] = append(indexes[u.queue][n], i)
	}
	for queueName, jobs := range byQueue {
		logged, err := p.projector.Log(ctx, queueName, jobs)
		if logged == nil && err != nil {
			return err //nolint:wrapcheck // the caller logs it
		}
		if err != nil {
			p.log.ErrorContext(ctx, "a log can't be written to Redis", "error", err)
		}
		for n, there := range logged {
			for _, i := range indexes[queueName][n] {
				if there || err != nil || time.Since(batch[i].written) >= startWithin {
					batch[i].lines = nil
				}
			}
		}
	}
	return nil
}
