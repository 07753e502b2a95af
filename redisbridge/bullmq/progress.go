package bullmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Progress is how far an attempt has come.
type Progress struct {
	JobID   string
	Attempt int             // the attempt's AttemptsStarted
	Value   json.RawMessage // JSON
}

// Progress shows how far attempts have come, in one round trip. The result says of each whether it was shown: it is not
// when the job is not active in that attempt, be it not yet or no more. What could never be shown is reported as
// [ChangeError]s, joined, beside the results of the others; with any other error nothing is known about any.
func (p *Projector) Progress(ctx context.Context, queue string, updates []Progress) ([]bool, error) {
	r := p.progressRun(queue, updates)
	if len(r.asked) == 0 {
		return r.read(nil)
	}
	replies, err := p.progress.runInRuns(ctx, p.rdb, r.call, r.args, 3)
	if err != nil {
		return nil, fmt.Errorf("showing the progress of %d jobs of queue %s: %w", len(r.asked), queue, err)
	}
	return r.read(replies)
}

// progressRun is a run of the progress script on the updates that may be shown.
type progressRun struct {
	call     call
	args     []any
	updates  []Progress
	asked    []int
	problems []error
}

func (p *Projector) progressRun(queue string, updates []Progress) progressRun {
	k := p.Keys(queue)
	r := progressRun{
		call: call{keys: []string{k.Events(), k.Meta()}, args: []any{k.Base()}},
		args: make([]any, 0, 3*len(updates)), updates: updates, asked: make([]int, 0, len(updates)),
	}
	for i, u := range updates {
		if problem := checkProgress(u); problem != "" {
			r.problems = append(r.problems, &ChangeError{JobID: u.JobID, Problem: problem})
			continue
		}
		r.args = append(r.args, u.JobID, strconv.Itoa(u.Attempt), string(u.Value))
		r.asked = append(r.asked, i)
	}
	return r
}

func (r progressRun) read(replies []reply) ([]bool, error) {
	shown := make([]bool, len(r.updates))
	problems := r.problems
	for n, reply := range replies {
		i := r.asked[n]
		if reply.err != nil {
			problems = append(problems, &ChangeError{JobID: r.updates[i].JobID, Problem: "Redis refuses its progress", Err: reply.err})
		}
		shown[i] = reply.code == 1
	}
	return shown, errors.Join(problems...)
}

// keptLines is how many lines of a job's log stay unless its options (keepLogs) say.
const keptLines = 1000

// Lines are lines of a job's log. Their numbers grow from line to line and from attempt to attempt: a line whose number
// was reached before is there already.
type Lines struct {
	JobID   string
	Attempt int // the attempt's AttemptsStarted
	Lines   []Line
}

// Line is one of them.
type Line struct {
	Number int64
	Text   string
}

// Log appends lines to the logs of jobs, in one round trip; each counts once, however often it comes. The result says
// of each job whether its lines are there: they are not when its attempt is not shown yet, or the job is gone. Only the
// newest lines stay: as many as the job's option keepLogs says, else a thousand.
func (p *Projector) Log(ctx context.Context, queue string, jobs []Lines) ([]bool, error) {
	k := p.Keys(queue)
	logged := make([]bool, len(jobs))
	calls := make([]call, 0, len(jobs))
	asked := make([]int, 0, len(jobs))
	var problems []error
	for i, j := range jobs {
		if problem := checkID(j.JobID); problem != "" {
			problems = append(problems, &ChangeError{JobID: j.JobID, Problem: problem})
			continue
		}
		args := []any{strconv.Itoa(j.Attempt), keptLines}
		for _, line := range j.Lines {
			args = append(args, decimal(line.Number), line.Text)
		}
		calls = append(calls, call{keys: []string{k.Job(j.JobID), k.Logs(j.JobID)}, args: args})
		asked = append(asked, i)
	}
	if len(calls) == 0 {
		return logged, errors.Join(problems...)
	}
	replies, err := p.log.run(ctx, p.rdb, calls)
	if err != nil {
		return nil, fmt.Errorf("writing the logs of %d jobs of queue %s: %w", len(calls), queue, err)
	}
	for n, reply := range replies {
		if reply.Err() != nil {
			problems = append(problems, &ChangeError{JobID: jobs[asked[n]].JobID, Problem: "Redis refuses its log", Err: reply.Err()})
		}
		logged[asked[n]] = reply.Val() == int64(1)
	}
	return logged, errors.Join(problems...)
}
