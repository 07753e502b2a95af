package bullmq

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// scoresPerMilli is how many delayed jobs that are due in the same millisecond keep their order.
	scoresPerMilli = 4096

	maxStacks      = 50
	maxStackLength = 16 << 10

	noReason  = "failed without a reason"
	ownerless = "cinnamon"
)

// encode lays out one change for the project script: see its header.
func encode(c Change) string {
	j := c.Job
	keep := j.KeepCompleted
	if j.State == Failed {
		keep = j.KeepFailed
	}
	keepCount := -1
	if keep.Count != nil {
		keepCount = *keep.Count
	}
	var due int64
	if j.State == Delayed {
		due = j.DueAt.UnixMilli()
	}
	var ended int64
	if j.State.Finished() {
		ended = j.FinishedOn.UnixMilli()
	}
	exhausted := ""
	if j.AttemptsMade >= j.MaxAttempts {
		exhausted = strconv.Itoa(j.AttemptsMade)
	}
	timestamp, seq := millis(j.Timestamp), decimal(c.Seq)
	changed, rest, absent := stateFields(j, c.Transition)
	changed = append(changed, field{"cn:seq", seq})

	out := make(packed, 0, 512+len(j.Data)+len(j.Opts)+len(j.ReturnValue))
	out.array(23)
	out.text(j.ID)
	out.text(seq)
	out.text(string(c.Transition))
	out.text(string(j.State))
	out.text(timestamp)
	out.number(due)
	out.number(int64(j.Priority))
	out.flag(j.LIFO)
	out.text(cmp.Or(c.Lock.Token, ownerless))
	out.number(lifeMillis(c.Lock.TTL))
	out.number(int64(keepCount))
	out.number(keep.Age.Milliseconds())
	out.number(int64(cmp.Or(keep.Limit, deletionsAtOnce)))
	out.text(decimal(ended))
	out.text(payload(j))
	out.text(exhausted)
	out.text(strconv.Itoa(j.AttemptsStarted))
	out.text(string(j.Progress))
	out.fields(changed)
	out.packedFields(rest)
	describes := []field{
		{"name", j.Name},
		{"data", orElse(j.Data, "{}")},
		{"opts", opts(j)},
		{"timestamp", timestamp},
		{"priority", strconv.Itoa(j.Priority)},
	}
	if j.SchedulerID != "" {
		describes = append(describes, field{"rjk", j.SchedulerID})
	}
	out.packedFields(describes)
	names := make(packed, 0, 128)
	names.array(len(absent))
	for _, name := range absent {
		names.text(name)
	}
	out.text(string(names))
	out.flag(c.Kept)
	return string(out)
}

// field is one field of a job's hash.
type field struct{ name, value string }

// stateFields returns the fields that a job in its present state has, those apart that the transition to it changes if
// it is a step of an attempt, and the names of those that it has not.
func stateFields(j Job, t Transition) (changed, rest []field, absent []string) {
	changed = make([]field, 0, 8)
	rest = make([]field, 0, 8)
	put := func(there, changes bool, name, value string) {
		switch {
		case !there:
			absent = append(absent, name)
		case changes:
			changed = append(changed, field{name, value})
		default:
			rest = append(rest, field{name, value})
		}
	}
	delay := time.Duration(0)
	if j.State == Delayed {
		delay = max(j.Delay, 0)
	}
	starts, ended := t == Started, j.State.Finished()
	returned := orElse(j.ReturnValue, "null")
	put(true, false, "delay", decimal(delay.Milliseconds()))
	put(j.AttemptsStarted > 0, starts, "ats", strconv.Itoa(j.AttemptsStarted))
	put(j.AttemptsMade > 0, ended, "atm", strconv.Itoa(j.AttemptsMade))
	put(j.Stalls > 0, false, "stc", strconv.Itoa(j.Stalls))
	put(representable(j.ProcessedOn), starts, "processedOn", millis(j.ProcessedOn))
	put(j.ProcessedBy != "", starts, "pb", j.ProcessedBy)
	put(ended, ended, "finishedOn", millis(j.FinishedOn))
	put(j.State == Completed || ended && len(j.ReturnValue) > 0, ended, "returnvalue", returned)
	put(j.State == Failed || j.FailedReason != "", ended, "failedReason", cmp.Or(j.FailedReason, noReason))
	put(len(j.Stacktrace) > 0, ended, "stacktrace", stacktrace(j.Stacktrace))
	return changed, rest, absent
}

// payload is what listeners are told of the end.
func payload(j Job) string {
	if j.State == Failed {
		return cmp.Or(j.FailedReason, noReason)
	}
	return orElse(j.ReturnValue, "null")
}

// opts returns the options as the producer wrote them, or the ones that clients read most.
func opts(j Job) string {
	if len(j.Opts) > 0 {
		return string(j.Opts)
	}
	made := map[string]any{"attempts": j.MaxAttempts}
	if j.Priority != 0 {
		made["priority"] = j.Priority
	}
	if j.LIFO {
		made["lifo"] = true
	}
	return encodeJSON(made)
}

// stacktrace returns the newest stacks, each cut to a bearable length.
func stacktrace(stacks []string) string {
	if len(stacks) > maxStacks {
		stacks = stacks[len(stacks)-maxStacks:]
	}
	bounded := make([]string, len(stacks))
	for i, stack := range stacks {
		if len(stack) > maxStackLength {
			cut := maxStackLength
			for cut > 0 && !utf8.RuneStart(stack[cut]) {
				cut--
			}
			stack = stack[:cut] + "…"
		}
		bounded[i] = stack
	}
	return encodeJSON(bounded)
}

// encodeJSON writes strings, numbers and booleans in lists and maps, which always works.
func encodeJSON(value any) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) //nolint:errchkjson // no value here can fail
	return strings.TrimSuffix(out.String(), "\n")
}

func orElse(text json.RawMessage, fallback string) string {
	if len(text) == 0 {
		return fallback
	}
	return string(text)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func millis(t time.Time) string { return decimal(t.UnixMilli()) }

// lifeMillis rounds a life up, so that a short one doesn't become none or for ever.
func lifeMillis(d time.Duration) int64 {
	return (d + time.Millisecond - 1).Milliseconds()
}
