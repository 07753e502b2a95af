package bullmq

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// DecodeJob makes a Job of a job's hash, as any client wrote it. The state, and when a delayed job is due, are not in
// the hash. A hash that some client broke makes no error: what can't be read is left out, and Job.Err names it.
func DecodeJob(id string, hash map[string]string) Job {
	j := Job{
		ID: id, Name: hash["name"],
		Timestamp: parseMillis(hash["timestamp"]), Delay: parseNumber(hash["delay"]).duration(),
		Priority:        int(parseNumber(hash["priority"])),
		AttemptsStarted: int(parseNumber(hash["ats"])), AttemptsMade: int(parseNumber(hash["atm"])),
		Stalls:      int(max(parseNumber(hash["stc"]), parseNumber(hash["stalledCounter"]))),
		ProcessedOn: parseMillis(hash["processedOn"]), FinishedOn: parseMillis(hash["finishedOn"]),
		ProcessedBy: hash["pb"], FailedReason: hash["failedReason"], DeferredFailure: hash["defa"],
		DeduplicationID: hash["deid"], SchedulerID: hash["rjk"], ParentKey: hash["parentKey"],
	}
	var problems []error
	read := func(field string) json.RawMessage {
		text := hash[field]
		if text == "" {
			return nil
		}
		if !json.Valid([]byte(text)) {
			problems = append(problems, fmt.Errorf("reading job %s: its %s is not JSON", id, field))
			return nil
		}
		return json.RawMessage(text)
	}
	j.Data = read("data")
	j.Opts = read("opts")
	j.Progress = read("progress")
	// Of these two, clients take as text, or as none, what is not JSON.
	if text := hash["returnvalue"]; text != "" {
		j.ReturnValue = json.RawMessage(text)
		if !json.Valid(j.ReturnValue) {
			j.ReturnValue = json.RawMessage(encodeJSON(text))
		}
	}
	if json.Unmarshal([]byte(hash["stacktrace"]), &j.Stacktrace) != nil {
		j.Stacktrace = nil
	}
	if text := read("parent"); text != nil {
		j.Parent = new(Parent)
		if err := json.Unmarshal(text, j.Parent); err != nil {
			problems = append(problems, fmt.Errorf("reading the parent of job %s: %w", id, err))
		}
	}
	options, err := j.Options()
	if err != nil {
		problems = append(problems, err)
	}
	j.MaxAttempts, j.LIFO = options.Attempts, options.LIFO
	if options.RemoveOnComplete != nil {
		j.KeepCompleted = *options.RemoveOnComplete
	}
	if options.RemoveOnFail != nil {
		j.KeepFailed = *options.RemoveOnFail
	}
	j.Err = errors.Join(problems...)
	return j
}

// Options reads the job's options. With an error come those that could be read.
func (j Job) Options() (JobOptions, error) {
	var options JobOptions
	if len(j.Opts) == 0 {
		return options, nil
	}
	if err := json.Unmarshal(j.Opts, &options); err != nil {
		return options, fmt.Errorf("reading the options of job %s: %w", j.ID, err)
	}
	return options, nil
}

// dueAt is the time that a score of the delayed set stands for.
func dueAt(score float64) time.Time { return time.UnixMilli(int64(score) / scoresPerMilli) }
