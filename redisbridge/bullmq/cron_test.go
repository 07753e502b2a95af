package bullmq_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// TestNextRunsAreThoseOfTheRealScheduler asks the real library for the next run of many patterns, in zones whose clocks
// change in different ways, around their changes. Where the two are meant to differ, PARITY.md says why: zones whose clocks
// change by half an hour or go back at midnight, times within an hour that comes for the second time, H, and fewer than
// five fields.
func TestNextRunsAreThoseOfTheRealScheduler(t *testing.T) {
	t.Parallel()
	patterns := []string{
		"* * * * *", "*/15 * * * *", "*/10 * * * * *", "0 * * * *", "@hourly", "@daily", "@weekly", "@monthly", "@yearly",
		"30 2 * * *", "0 2 * * 0", "*/10 2 * * *", "15,45 2 * * *", "0 2,14 * * *", "30 1 * * *", "*/30 1-2 * * *", "59 59 1 * * *",
		"0 0 * * *", "*/15 0 * * *", "0 */2 * * *", "45 0-4 * * *", "30 23 * * *", "0 0 3 * * *", "5 4 * * 1-5", "0 12 * * MON",
		"0 12 * JAN,JUL *", "0 12 13 * 5", "0 12 */2 * 1", "0 0 29 2 *", "0 0 31 * *", "0 12 ? * 3", "0 12 * * 7", "0 12 L * *", "0 12 1,L * *",
		"0 12 * * 5L", "0 12 * * FRI#3", "0 0 0 ? * MON#1", "15-45/10 9-17 * * *", "0 12 * * 1,3-5", "0 0 2 28 3 *",
	}
	starts := map[string][]string{
		"UTC":              {"2027-03-27T22:00:00Z", "2028-02-28T23:59:59Z"},
		"Europe/Berlin":    {"2027-03-27T22:00:00Z", "2027-10-30T22:10:00Z", "2027-10-31T00:15:00Z", "2027-10-31T00:45:00Z"},
		"America/New_York": {"2027-03-14T05:30:00Z", "2027-11-07T04:59:59Z", "2027-11-07T05:45:00Z"},
		"America/Santiago": {"2027-09-04T22:00:00Z", "2027-04-03T23:00:00Z"},
		"Africa/Cairo":     {"2027-04-29T20:00:00Z"},
		"Asia/Kolkata":     {"2027-03-28T01:00:00Z"},
	}
	refused := []string{
		"nope", "60 * * * *", "0 0 0 0 * *", "0 22-2 * * *", "0 12 * * 5-1", "0 12 15W * *", "0 12 L-3 * *", "0 12 * * 1#1,5#3",
		"0 0 * * * * 2030", "0 12 30 2 *",
	}
	for _, library := range []string{"bullmq6", "bullmq5"} {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			j := newJudge(t, b, library)
			for _, pattern := range patterns {
				for zone, texts := range starts {
					for _, text := range texts {
						start, err := time.Parse(time.RFC3339, text)
						require.NoError(t, err)
						var job seen
						j.ask(&job, "queue", "upsertJobScheduler", "s", js{"pattern": pattern, "tz": zone, "startDate": text})
						want, err := strconv.ParseInt(job.ID[strings.LastIndex(job.ID, ":")+1:], 10, 64)
						require.NoError(t, err)
						next, err := bullmq.NextRun(bullmq.Repeat{Pattern: pattern, TZ: zone}, start)
						require.NoError(t, err)
						require.Equal(t, time.UnixMilli(want).UTC(), next.UTC(), "%s, %s, after %s", pattern, zone, text)
					}
				}
			}
			for _, pattern := range refused {
				_, problem := j.try("queue", "upsertJobScheduler", "s", js{"pattern": pattern, "tz": "UTC"})
				require.NotEmpty(t, problem, pattern)
				next, err := bullmq.NextRun(bullmq.Repeat{Pattern: pattern, TZ: "UTC"}, time.Now())
				require.True(t, err != nil || next.IsZero(), pattern)
			}
		})
	}
}

func TestNextRun(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return when
	}
	noon := at("2027-05-01T12:00:00Z")
	for _, c := range []struct {
		name   string
		repeat bullmq.Repeat
		next   time.Time
	}{
		{"the next slot", bullmq.Repeat{Every: time.Hour}, noon.Add(time.Hour)},
		{"of an offset", bullmq.Repeat{Every: time.Hour, Offset: time.Minute}, noon.Add(time.Minute)},
		{"after the start", bullmq.Repeat{Every: time.Hour, Start: noon.Add(90 * time.Minute)}, noon.Add(2 * time.Hour)},
		{"before the end", bullmq.Repeat{Every: time.Hour, End: noon.Add(time.Hour)}, noon.Add(time.Hour)},
		{"none after the end", bullmq.Repeat{Every: time.Hour, End: noon.Add(time.Minute)}, time.Time{}},
		{"a match", bullmq.Repeat{Pattern: "30 12 * * *", TZ: "UTC"}, noon.Add(30 * time.Minute)},
		{"not the present match", bullmq.Repeat{Pattern: "0 12 * * *", TZ: "UTC"}, noon.Add(24 * time.Hour)},
		{"a match before the end", bullmq.Repeat{Pattern: "0 12 * * *", TZ: "UTC", End: noon.Add(time.Hour)}, time.Time{}},
		{"in a zone", bullmq.Repeat{Pattern: "0 15 * * *", TZ: "Europe/Berlin"}, noon.Add(time.Hour)},
	} {
		next, err := bullmq.NextRun(c.repeat, noon)
		require.NoError(t, err, c.name)
		require.True(t, c.next.Equal(next), "%s: %s", c.name, next)
	}
	for _, bad := range []bullmq.Repeat{
		{}, {Every: time.Hour, Pattern: "* * * * *"}, {Pattern: "* * * *"}, {Pattern: "H * * * *"}, {Pattern: "* * * * *", TZ: "Mars/Base"},
	} {
		_, err := bullmq.NextRun(bad, noon)
		require.ErrorIs(t, err, bullmq.ErrInvalid)
	}
}
