package bullmq_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// everyOption has each option of its own, in the form that is stored.
func everyOption() (bullmq.JobOptions, string) {
	options := bullmq.JobOptions{
		JobID: "j", Timestamp: base, Delay: 1500 * time.Millisecond, Priority: 7, LIFO: true, Attempts: 4,
		Backoff:          &bullmq.Backoff{Type: bullmq.ExponentialBackoff, Delay: 2 * time.Second, Jitter: 0.5},
		RemoveOnComplete: new(bullmq.KeepNewest(100)),
		RemoveOnFail:     new(bullmq.Keep{Count: new(10), Age: time.Hour, Limit: 5}),
		KeepLogs:         new(5), StackTraceLimit: new(0), SizeLimit: 1000,
		Deduplication: &bullmq.Deduplication{
			ID: "d", TTL: 5 * time.Second, Extend: true, Replace: true, KeepLastIfActive: true, Reschedule: true,
		},
		Telemetry: "trace", OmitContext: true,
		Repeat: &bullmq.Repeat{
			Every: time.Minute, Limit: 3, Start: base, End: base.Add(time.Hour), Offset: time.Second, Count: 2,
		},
		RepeatJobKey: "s", PrevMillis: 12, Parent: &bullmq.ParentJob{ID: "p", Queue: "bull:q"},
		ParentPolicy: bullmq.FailParent, Other: map[string]json.RawMessage{"mine": json.RawMessage(`[1]`)},
	}
	return options, `{
			"jobId":"j","timestamp":1795390150779,"delay":1500,"priority":7,"lifo":true,"attempts":4,
			"backoff":{"type":"exponential","delay":2000,"jitter":0.5},"removeOnComplete":100,
			"removeOnFail":{"count":10,"age":3600,"limit":5},"kl":5,"stackTraceLimit":0,"sizeLimit":1000,
			"de":{"id":"d","ttl":5000,"extend":true,"replace":true,"keepLastIfActive":true,"reschedule":true},
			"tm":"trace","omc":true,
			"repeat":{"every":60000,"limit":3,"startDate":1795390150779,"endDate":1795393750779,"offset":1000,"count":2},
			"repeatJobKey":"s","prevMillis":12,"parent":{"id":"p","queue":"bull:q"},"fpof":true,"mine":[1]
		}`
}

func TestOptionsAreStoredAndReadBack(t *testing.T) {
	t.Parallel()
	options, stored := everyOption()
	text, err := json.Marshal(options)
	require.NoError(t, err)
	require.JSONEq(t, stored, string(text))
	var back bullmq.JobOptions
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, options, back)
}

func TestOptionsAreReadInAnySpelling(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bullmq.JobOptions{
		`{}`:                                       {},
		`{"attempts":0}`:                           {},
		`{"backoff":500}`:                          {Backoff: &bullmq.Backoff{Type: "fixed", Delay: 500 * time.Millisecond}},
		`{"backoff":0}`:                            {},
		`{"keepLogs":3}`:                           {KeepLogs: new(3)},
		`{"keepLogs":4,"kl":3}`:                    {KeepLogs: new(3)},
		`{"failParentOnFailure":1}`:                {},
		`{"continueParentOnFailure":true}`:         {ParentPolicy: bullmq.ContinueParent},
		`{"deduplication":{"id":"x"}}`:             {Deduplication: &bullmq.Deduplication{ID: "x"}},
		`{"timestamp":1.795390150779e+12}`:         {Timestamp: base},
		`{"delay":1500.75,"attempts":"3"}`:         {Delay: 1500750 * time.Microsecond, Attempts: 3},
		`{"removeOnFail":{},"removeOnComplete":1}`: {RemoveOnFail: new(bullmq.Keep{}), RemoveOnComplete: new(bullmq.KeepNewest(1))},
		`{"repeat":{"pattern":"* * * * *","endDate":"2026-11-23T12:09:10.779Z"}}`: {
			Repeat: &bullmq.Repeat{Pattern: "* * * * *", End: time.UnixMilli(1795435750779)},
		},
		`{"jobId":12,"lifo":null}`: {JobID: "12"},
	} {
		var options bullmq.JobOptions
		err := json.Unmarshal([]byte(text), &options)
		if options.Repeat != nil {
			require.True(t, want.Repeat.End.Equal(options.Repeat.End), options.Repeat.End.UnixMilli())
			options.Repeat.End = want.Repeat.End
		}
		require.Equal(t, want, options, text)
		require.Equal(t, text == `{"failParentOnFailure":1}`, err != nil, text)
	}
}

func TestJobIsReadThoughPartsOfItAreBroken(t *testing.T) {
	t.Parallel()
	whole := bullmq.DecodeJob("1", map[string]string{
		"name": "n", "data": `{"a":1}`, "opts": `{"attempts":3,"lifo":true,"removeOnFail":5}`, "timestamp": "1795390150779",
		"delay": "1500.5", "priority": "4", "ats": "3", "atm": "2", "stc": "1", "processedOn": "1795390150780", "pb": "w",
		"progress": "42", "returnvalue": "not JSON", "failedReason": "why", "stacktrace": `["a","b"]`, "defa": "stalled",
		"deid": "d", "rjk": "s", "parentKey": "bull:q:7", "parent": `{"id":"7","queueKey":"bull:q","fpof":true}`,
	})
	require.NoError(t, whole.Err)
	require.Equal(t, bullmq.Job{
		ID: "1", Name: "n", Data: json.RawMessage(`{"a":1}`),
		Opts:      json.RawMessage(`{"attempts":3,"lifo":true,"removeOnFail":5}`),
		Timestamp: base, Delay: 1500500 * time.Microsecond, Priority: 4, LIFO: true, MaxAttempts: 3,
		AttemptsStarted: 3, AttemptsMade: 2, Stalls: 1, ProcessedOn: base.Add(time.Millisecond), ProcessedBy: "w",
		Progress: json.RawMessage("42"), ReturnValue: json.RawMessage(`"not JSON"`), FailedReason: "why",
		Stacktrace: []string{"a", "b"}, KeepFailed: bullmq.KeepNewest(5), DeferredFailure: "stalled",
		DeduplicationID: "d", SchedulerID: "s", ParentKey: "bull:q:7",
		Parent: &bullmq.Parent{ID: "7", QueueKey: "bull:q", Fail: true},
	}, whole)

	broken := bullmq.DecodeJob("2", map[string]string{
		"name": "n", "data": `{`, "opts": `{"attempts":[],"lifo":true}`, "progress": "half", "stacktrace": "no", "atm": "x",
		"stalledCounter": "2",
	})
	require.ErrorContains(t, broken.Err, "its data is not JSON")
	require.ErrorContains(t, broken.Err, "its progress is not JSON")
	require.ErrorContains(t, broken.Err, "reading option attempts")
	require.Equal(t, []any{"n", true, 0, 2}, []any{broken.Name, broken.LIFO, broken.AttemptsMade, broken.Stalls})
	_, err := json.Marshal(broken.Data)
	require.NoError(t, err)
}
