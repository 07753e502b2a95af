package bullmq

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/cronexpr"
)

// NextRun returns when a job that repeats runs next after a time: the zero time if it doesn't any more.
//
// A pattern is a cron expression as BullMQ's clients read it: five fields (minute, hour, day of the month, month, day of
// the week), or six with seconds first, or @daily and its like. Names of months and days, ranges, lists, steps, ?, L (the
// last day of the month, and 5L, its last Friday) and # (1#2, its second Monday) are understood. A job that is due while
// clocks skip an hour runs as much later; one that is due in an hour that comes twice runs the first time.
func NextRun(r Repeat, after time.Time) (time.Time, error) {
	after = latest(after, r.Start)
	next := after
	switch {
	case r.Every > 0 && r.Pattern != "":
		return time.Time{}, fmt.Errorf("%w: it repeats both by a pattern and after a time", ErrInvalid)
	case r.Every >= time.Millisecond:
		next = nextSlot(after, r.Every, r.Offset)
	case r.Pattern != "":
		c, err := parseCron(r.Pattern, r.TZ)
		if err != nil {
			return time.Time{}, err
		}
		if next = c.next(after); next.IsZero() {
			return next, nil
		}
	default:
		return time.Time{}, fmt.Errorf("%w: it repeats neither by a pattern nor after a time", ErrInvalid)
	}
	if !r.End.IsZero() && next.After(r.End) {
		return time.Time{}, nil
	}
	return next, nil
}

// nextSlot is the first time after another one that is a multiple of every, and an offset.
func nextSlot(after time.Time, every, offset time.Duration) time.Time {
	step, now := every.Milliseconds(), after.UnixMilli()
	slot := now/step*step + offset.Milliseconds()
	if slot <= now {
		slot += step
	}
	return time.UnixMilli(slot)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// cron is a pattern in a time zone.
type cron struct {
	expression *cronexpr.Expression
	zone       *time.Location
}

func parseCron(pattern, zone string) (cron, error) {
	problem := func(why any) (cron, error) {
		return cron{}, fmt.Errorf("%w: the pattern %q can't be understood: %v", ErrInvalid, pattern, why)
	}
	location := time.Local
	if zone != "" {
		var err error
		if location, err = time.LoadLocation(zone); err != nil {
			return problem(err)
		}
	}
	fields := strings.Fields(pattern)
	if len(fields) != 1 && len(fields) != 5 && len(fields) != 6 {
		return problem("it has neither five nor six fields")
	}
	if len(fields) == 6 { // with a year for the parser, whose sixth field would be that
		pattern = strings.Join(append(fields, "*"), " ")
	}
	if len(fields) >= 5 { // what the parser knows and BullMQ's clients don't
		month := strings.ToUpper(fields[len(fields)-3])
		week := fields[len(fields)-1]
		if strings.Contains(month, "W") || strings.Contains(month, "L-") || (strings.Contains(week, "#") && strings.Contains(week, ",")) {
			return problem("it uses what clients of BullMQ don't know")
		}
	}
	expression, err := cronexpr.Parse(pattern)
	if err != nil {
		return problem(err)
	}
	return cron{expression: expression, zone: location}, nil
}

// next returns the first match after a time, or the zero time. The parser leaves out what falls into the hour that
// clocks skip; clients of BullMQ run it that much later.
func (c cron) next(after time.Time) time.Time {
	after = after.In(c.zone)
	next := c.expression.Next(after)
	for from := after; ; {
		_, change := from.ZoneBounds()
		if change.IsZero() || (!next.IsZero() && change.After(next)) || change.Sub(after) > 366*24*time.Hour {
			return next
		}
		_, before := change.Add(-time.Second).Zone()
		_, since := change.Zone()
		if gap := time.Duration(since-before) * time.Second; gap > 0 {
			// Wall clocks, read as if they were UTC: the skipped hour is the one before what they show at the change.
			end := wall(change)
			skipped := c.expression.Next(end.Add(-gap - time.Nanosecond))
			if !skipped.IsZero() && skipped.Before(end) {
				run := change.Add(skipped.Sub(end.Add(-gap)))
				if run.After(after) && (next.IsZero() || run.Before(next)) {
					return run
				}
			}
		}
		from = change
	}
}

// wall is what clocks show, as if it were UTC.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).UTC()
}
