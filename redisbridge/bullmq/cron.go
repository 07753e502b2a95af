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
// last day of the month, and 5L, its last Friday) and # (1#2, its second Monday) are understood. What is due while clocks
// skip an hour runs as much later, unless that hour is the day's first; what is due in an hour that comes twice runs the
// first time only, unless it is due in every hour.
func NextRun(r Repeat, after time.Time) (time.Time, error) {
	after = latest(after, r.Start)
	var next time.Time
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
	hourly     bool // it is due in every hour
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
	hourly := len(fields) >= 5 && fields[len(fields)-4] == "*" || pattern == "@hourly"
	return cron{expression: expression, zone: location, hourly: hourly}, nil
}

// next returns the first match after a time, or the zero time. The parser works on what wall clocks show, as if it were UTC,
// and never meets a change of the clocks.
func (c cron) next(after time.Time) time.Time {
	after = after.In(c.zone)
	match := c.expression.Next(wall(after))
	for ; !match.IsZero(); match = c.expression.Next(match) {
		first, second := c.instants(match)
		if first.After(after) {
			return c.sooner(after, first)
		}
		if c.hourly && second.After(after) {
			return second
		}
	}
	return match
}

// instants returns when wall clocks show something: twice where they go back. Where they skip it, it is as much later, or
// never if the first hour of a day is skipped.
func (c cron) instants(shown time.Time) (first, second time.Time) {
	at := time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), shown.Second(), 0, c.zone)
	before, after := at.ZoneBounds()
	if !wall(at).Equal(shown) {
		for _, change := range []time.Time{before, after} {
			if change.IsZero() {
				continue
			}
			skipped := wall(change).Add(-shift(change)) // the first instant that was
			if late := shown.Sub(skipped); late >= 0 && late < shift(change) && skipped.Hour() != 0 {
				return change.Add(late), time.Time{}
			}
		}
		return time.Time{}, time.Time{}
	}
	if !before.IsZero() && at.Sub(before) < -shift(before) {
		return at.Add(shift(before)), at
	}
	if !after.IsZero() && after.Sub(at) <= -shift(after) {
		return at, at.Add(-shift(after))
	}
	return at, time.Time{}
}

// sooner returns what is due in an hour that comes for the second time before a match, if the pattern is due then.
func (c cron) sooner(after, match time.Time) time.Time {
	for from := after; c.hourly; {
		_, change := from.ZoneBounds()
		if change.IsZero() || change.After(match) {
			break
		}
		again := c.expression.Next(wall(change).Add(-time.Nanosecond)).Sub(wall(change))
		if again >= 0 && again < -shift(change) && change.Add(again).Before(match) {
			return change.Add(again)
		}
		from = change
	}
	return match
}

// shift is how far clocks go forward at a change of the zone; it is negative if they go back.
func shift(change time.Time) time.Duration {
	_, before := change.Add(-time.Second).Zone()
	_, since := change.Zone()
	return time.Duration(since-before) * time.Second
}

// wall is what clocks show, as if it were UTC.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).UTC()
}
