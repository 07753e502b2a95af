package bullmq

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// number reads what JavaScript and Lua write for a number: with a fraction, in scientific notation, or in quotes.
// It writes whole numbers without either.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if float64(n) == math.Trunc(float64(n)) && math.Abs(float64(n)) < 1<<53 {
		return strconv.AppendInt(nil, int64(n), 10), nil
	}
	return strconv.AppendFloat(nil, float64(n), 'f', -1, 64), nil
}

func (n *number) UnmarshalJSON(text []byte) error {
	value, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return fmt.Errorf("%s is not a number", text)
	}
	*n = number(value)
	return nil
}

func (n number) time() time.Time { return time.UnixMilli(int64(n)) }
func (n number) duration() time.Duration {
	return time.Duration(float64(n) * float64(time.Millisecond))
}

func millisOf(d time.Duration) number { return number(d.Milliseconds()) }

// parseNumber reads a number of a hash or a score; what is none is 0.
func parseNumber(text string) number {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0
	}
	return number(value)
}

// parseMillis reads a time of a hash; none is the zero time.
func parseMillis(text string) time.Time {
	if n := parseNumber(text); n != 0 {
		return n.time()
	}
	return time.Time{}
}

// jsonDate is a time as clients give it to a scheduler: milliseconds, or a text that JavaScript's Date understands.
type jsonDate struct{ time.Time }

func (d jsonDate) MarshalJSON() ([]byte, error) { return millisOfTime(d.Time).MarshalJSON() }

func millisOfTime(t time.Time) number { return number(t.UnixMilli()) }

func (d *jsonDate) UnmarshalJSON(text []byte) error {
	var n number
	if json.Unmarshal(text, &n) == nil {
		d.Time = n.time()
		return nil
	}
	var written string
	if err := json.Unmarshal(text, &written); err != nil {
		return fmt.Errorf("reading a date: %w", err)
	}
	var err error
	d.Time, err = parseDate(written)
	return err
}

func parseDate(text string) (time.Time, error) {
	if n := parseNumber(text); n != 0 {
		return n.time(), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			if layout == time.DateOnly { // which JavaScript takes for UTC
				return time.Parse(layout, text)
			}
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date", text)
}

func readNew[T any](text json.RawMessage) (*T, error) {
	value := new(T)
	if err := json.Unmarshal(text, value); err != nil {
		return nil, err
	}
	return value, nil
}

func readCount(text json.RawMessage) (*int, error) {
	n, err := readNew[number](text)
	if err != nil {
		return nil, err
	}
	count := int(*n)
	return &count, nil
}

// readText takes a text, or what was meant to be one.
func readText(text json.RawMessage) (string, error) {
	var value string
	if json.Unmarshal(text, &value) == nil {
		return value, nil
	}
	var n json.Number
	if err := json.Unmarshal(text, &n); err != nil {
		return "", err
	}
	return n.String(), nil
}

// readBackoff takes an object, or a number of milliseconds.
func readBackoff(text json.RawMessage) (*Backoff, error) {
	var delay number
	if json.Unmarshal(text, &delay) == nil {
		if delay == 0 {
			return nil, nil //nolint:nilnil // no delay is no backoff
		}
		return &Backoff{Type: FixedBackoff, Delay: delay.duration()}, nil
	}
	wire, err := readNew[backoffWire](text)
	if err != nil {
		return nil, err
	}
	return &Backoff{Type: wire.Type, Delay: wire.Delay.duration(), Jitter: float64(wire.Jitter)}, nil
}

// UnmarshalJSON reads the stored form.
func (d *Deduplication) UnmarshalJSON(text []byte) error {
	wire, err := readNew[deduplicationWire](text)
	if err != nil {
		return err
	}
	*d = Deduplication{
		ID: wire.ID, Extend: wire.Extend, Replace: wire.Replace, KeepLastIfActive: wire.KeepLastIfActive,
		Reschedule: wire.Reschedule,
	}
	if wire.TTL != nil {
		d.TTL = wire.TTL.duration()
	}
	return nil
}

// MarshalJSON writes the stored form.
func (r Repeat) MarshalJSON() ([]byte, error) {
	wire := repeatWire{
		Count: number(r.Count), Every: millisOf(r.Every), Pattern: r.Pattern, TZ: r.TZ, Limit: number(r.Limit),
		StartDate: jsonDate{r.Start}, EndDate: jsonDate{r.End},
	}
	if r.Offset != 0 {
		offset := millisOf(r.Offset)
		wire.Offset = &offset
	}
	return json.Marshal(wire)
}

// UnmarshalJSON reads the stored form.
func (r *Repeat) UnmarshalJSON(text []byte) error {
	wire, err := readNew[repeatWire](text)
	if err != nil {
		return err
	}
	*r = Repeat{
		Every: wire.Every.duration(), Pattern: wire.Pattern, TZ: wire.TZ, Limit: int(wire.Limit),
		Start: wire.StartDate.Time, End: wire.EndDate.Time, Count: int(wire.Count),
	}
	if wire.Offset != nil {
		r.Offset = wire.Offset.duration()
	}
	return nil
}

// encodePlain writes JSON as JavaScript does, which leaves <, > and & as they are.
func encodePlain(value any) (string, error) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return ""
}

// appendFields appends how many fields there are, and the name and value of each.
func appendFields(args []any, fields []field) []any {
	args = append(args, strconv.Itoa(len(fields)))
	for _, f := range fields {
		args = append(args, f.name, f.value)
	}
	return args
}
