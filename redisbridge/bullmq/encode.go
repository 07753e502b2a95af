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

// encode lays out one run of the project script: see its header.
func (p *Projector) encode(k Keys, c Change) call {
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
	present, absent := stateFields(j)

	args := make([]any, 0, 64)
	args = append(args,
		k.Base(), k.Gone(""), j.ID,
		decimal(c.Seq), string(c.Transition), string(j.State),
		millis(j.Timestamp), decimal(due), strconv.Itoa(j.Priority), flag(j.LIFO),
		cmp.Or(c.Lock.Token, ownerless), lifeMillis(c.Lock.TTL),
		strconv.Itoa(keepCount), decimal(keep.Age.Milliseconds()),
		decimal(ended), payload(j),
		exhausted, strconv.Itoa(j.AttemptsStarted), string(j.Progress),
		lifeMillis(p.tombstoneTTL), strconv.Itoa(deletionsAtOnce),
	)
	args = appendFields(args, []field{
		{"name", j.Name},
		{"data", orElse(j.Data, "{}")},
		{"opts", opts(j)},
		{"timestamp", millis(j.Timestamp)},
		{"priority", strconv.Itoa(j.Priority)},
	})
	args = appendFields(args, present)
	for _, name := range absent {
		args = append(args, name)
	}
	return call{
		keys: []string{
			k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Delayed(), k.Completed(), k.Failed(), k.WaitingChildren(),
			k.Events(), k.Meta(), k.ID(), k.PriorityCounter(), k.Marker(), k.Stalled(), k.Waiting(),
			k.Job(j.ID), k.Lock(j.ID), k.Gone(j.ID),
		},
		args: args,
	}
}

// field is one field of a job's hash.
type field struct{ name, value string }

func appendFields(args []any, fields []field) []any {
	args = append(args, strconv.Itoa(len(fields)))
	for _, f := range fields {
		args = append(args, f.name, f.value)
	}
	return args
}

// stateFields returns the fields that a job in its present state has, and the names of those that it has not.
func stateFields(j Job) (present []field, absent []string) {
	put := func(there bool, name, value string) {
		if there {
			present = append(present, field{name, value})
		} else {
			absent = append(absent, name)
		}
	}
	delay := time.Duration(0)
	if j.State == Delayed {
		delay = max(j.Delay, 0)
	}
	ended := j.State.Finished()
	returned := orElse(j.ReturnValue, "null")
	put(true, "delay", decimal(delay.Milliseconds()))
	put(j.AttemptsStarted > 0, "ats", strconv.Itoa(j.AttemptsStarted))
	put(j.AttemptsMade > 0, "atm", strconv.Itoa(j.AttemptsMade))
	put(j.Stalls > 0, "stc", strconv.Itoa(j.Stalls))
	put(representable(j.ProcessedOn), "processedOn", millis(j.ProcessedOn))
	put(j.ProcessedBy != "", "pb", j.ProcessedBy)
	put(ended, "finishedOn", millis(j.FinishedOn))
	put(j.State == Completed || ended && len(j.ReturnValue) > 0, "returnvalue", returned)
	put(j.State == Failed || j.FailedReason != "", "failedReason", cmp.Or(j.FailedReason, noReason))
	put(len(j.Stacktrace) > 0, "stacktrace", stacktrace(j.Stacktrace))
	return present, absent
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
func lifeMillis(d time.Duration) string {
	return decimal((d + time.Millisecond - 1).Milliseconds())
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return ""
}
