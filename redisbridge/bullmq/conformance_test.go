package bullmq_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// step is one call of a client, as the real library makes it and as a Queue does, or one of a worker, which the real
// library makes on both sides.
type step struct {
	name   string
	theirs []any // what the judge is asked
	ours   func(ctx context.Context, q *bullmq.Queue) error
	fails  bool // both refuse
	// play is what is done on our side in place of a call of the queue.
	play func(s *side) error
}

func (s step) failing() step {
	s.fails = true
	return s
}

// meant are the differences between what a Queue writes and what the real library does. PARITY.md explains each.
var meant = []struct {
	name, reason string
	library      string // "": any
	forgive      func(theirs, ours *picture)
}{
	{
		"version", "a Queue announces itself as the version whose forms it writes", "",
		func(theirs, ours *picture) {
			for _, p := range []*picture{theirs, ours} {
				if meta, ok := p.keys["meta"].(map[string]any); ok {
					delete(meta, "version")
				}
			}
		},
	},
	{
		"debounced", "major 5 tells of a deduplicated job by its older name too; major 6 and a Queue don't", "bullmq5",
		func(theirs, _ *picture) {
			theirs.events = slices.DeleteFunc(theirs.events, func(e string) bool { return strings.HasPrefix(e, "event debounced ") })
		},
	},
	{
		"nrjid", "major 5 notes the id of a scheduler's next job at the one before; nobody reads it", "bullmq5",
		func(theirs, _ *picture) { theirs.forget("nrjid") },
	},
}

// picture is all that a queue holds at one moment, and what was told since the last one.
type picture struct {
	keys   map[string]any
	events []string
}

// forget takes a field out of all jobs.
func (p *picture) forget(field string) {
	for _, value := range p.keys {
		if hash, ok := value.(map[string]any); ok {
			delete(hash, field)
		}
	}
}

// side is one of the two queues that must stay equal.
type side struct {
	*bundle
	judge *judge
	read  string // id of the newest entry of the stream that was read
}

func (s *side) look(now time.Time) *picture {
	s.t.Helper()
	ctx, p := s.t.Context(), &picture{keys: map[string]any{}}
	names, err := s.rdb.Keys(ctx, s.keys.Base()+"*").Result()
	require.NoError(s.t, err)
	for _, key := range names {
		name := strings.TrimPrefix(key, s.keys.Base())
		var value any
		switch s.rdb.Type(ctx, key).Val() {
		case "hash":
			fields := map[string]any{}
			for field, text := range s.rdb.HGetAll(ctx, key).Val() {
				fields[field] = decoded(field, text, now)
			}
			value = fields
		case "list":
			value = blurAll(s.rdb.LRange(ctx, key, 0, -1).Val(), now)
		case "zset":
			var members []any
			for _, z := range s.rdb.ZRangeWithScores(ctx, key, 0, -1).Val() {
				members = append(members, blur(fmt.Sprint(z.Member), now), strconv.FormatFloat(z.Score, 'f', -1, 64))
			}
			value = members
		case "string":
			value = blur(s.rdb.Get(ctx, key).Val(), now)
		default:
			continue
		}
		if ttl := s.rdb.PTTL(ctx, key).Val(); ttl > 0 && name != "stalled-check" {
			value = []any{value, "expires in", strconv.FormatFloat(math.Round(ttl.Seconds()/10), 'f', 0, 64)}
		}
		p.keys[blur(name, now)] = value
	}
	delete(p.keys, "stalled-check")
	from := "-"
	if s.read != "" {
		from = "(" + s.read
	}
	entries, err := s.rdb.Do(ctx, "XRANGE", s.keys.Events(), from, "+").Slice()
	require.NoError(s.t, err)
	for _, entry := range entries {
		s.read = fmt.Sprint(asList(entry)[0])
		p.events = append(p.events, blur(strings.TrimSuffix(fmt.Sprintln(asList(asList(entry)[1])...), "\n"), now))
	}
	return p
}

// decoded takes what is JSON apart, so that neither the order nor the spelling counts.
func decoded(field, text string, now time.Time) any {
	var value any
	if slices.Contains([]string{"opts", "parent", "stacktrace"}, field) && json.Unmarshal([]byte(text), &value) == nil {
		return blurJSON(value, now)
	}
	return blur(text, now)
}

func blurJSON(value any, now time.Time) any {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = blurJSON(inner, now)
		}
		return v
	case float64:
		return blur(strconv.FormatFloat(v, 'f', -1, 64), now)
	case string:
		return blur(v, now)
	}
	return value
}

var instants = regexp.MustCompile(`\b1[78]\d{11}\b`)

// blur hides the times at which the two sides were called, and whole days from them: they are a few milliseconds apart.
// Times that a step names itself stay.
func blur(text string, now time.Time) string {
	return instants.ReplaceAllStringFunc(text, func(digits string) string {
		ms, _ := strconv.ParseInt(digits, 10, 64)
		const day = 24 * time.Hour
		passed := time.UnixMilli(ms).Sub(now)
		days := passed.Round(day)
		if days < 0 || (passed-days).Abs() > 10*time.Minute {
			return digits
		}
		return fmt.Sprintf("NOW+%d", days/day)
	})
}

func blurAll(texts []string, now time.Time) []any {
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = blur(text, now)
	}
	return all
}

// differences compares two values. Times in the future, which follow from when the sides were called, and what is left
// until then may be a few seconds apart.
func differences(path string, a, b any, now time.Time) []string {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		var all []string
		names := slices.Collect(maps.Keys(x))
		for name := range y {
			if _, both := x[name]; !both {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			all = append(all, differences(path+"."+name, x[name], y[name], now)...)
		}
		return all
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			break
		}
		var all []string
		for i := range x {
			all = append(all, differences(path+"["+strconv.Itoa(i)+"]", x[i], y[i], now)...)
		}
		return all
	case string:
		if y, ok := b.(string); ok && (x == y || near(x, y, now) || nearSpan(path, x, y)) {
			return nil
		}
	default:
		if a == b {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: real %v, ours %v", path, a, b)}
}

var futures = regexp.MustCompile(`\d{13,16}(\.\d+)?`)

func near(x, y string, now time.Time) bool {
	if futures.ReplaceAllString(x, "") != futures.ReplaceAllString(y, "") {
		return false
	}
	xs, ys := futures.FindAllString(x, -1), futures.FindAllString(y, -1)
	for i := range xs {
		a, b := instantOf(xs[i]), instantOf(ys[i])
		if a.Sub(b).Abs() > 5*time.Second || (a.Before(now.Add(-time.Minute)) && xs[i] != ys[i]) {
			return false
		}
	}
	return len(xs) > 0
}

// instantOf reads a time in milliseconds, or a score of the delayed set.
func instantOf(digits string) time.Time {
	n, _ := strconv.ParseFloat(digits, 64)
	if n > 1e15 {
		n /= 4096
	}
	return time.UnixMilli(int64(n))
}

// nearSpan compares how long a scheduler's job is delayed until a fixed time, and the offset of slots that began when the
// side was called. A round number was given by a step.
func nearSpan(path, x, y string) bool {
	if !strings.HasSuffix(path, "delay") && !strings.HasSuffix(path, "offset") {
		return false
	}
	a, errA := strconv.ParseFloat(x, 64)
	b, errB := strconv.ParseFloat(y, 64)
	given := math.Mod(a, 1000) == 0 && math.Mod(b, 1000) == 0
	return errA == nil && errB == nil && a > 1e6 && b > 1e6 && !given && math.Abs(a-b) < 5000
}

// TestQueueEqualsTheRealOne makes the same calls on a real queue and on ours. After each of them both hold the same keys
// of the same types, fields and scores, told their listeners the same, and both refused it or neither.
func TestQueueEqualsTheRealOne(t *testing.T) {
	t.Parallel()
	for _, library := range []string{"bullmq6", "bullmq5"} {
		for name, steps := range conformance() {
			t.Run(library+"/"+name, func(t *testing.T) {
				t.Parallel()
				theirs, ours := &side{bundle: setup(t)}, &side{bundle: setup(t)}
				script := steps(library)
				theirs.judge = newJudge(t, theirs.bundle, library)
				if slices.ContainsFunc(script, func(s step) bool { return s.ours == nil && s.play == nil }) {
					ours.judge = newJudge(t, ours.bundle, library)
				} else {
					ours.announce(library)
				}
				queue, err := bullmq.NewQueue(ours.rdb, ours.queue, bullmq.WithPrefix(ours.prefix))
				require.NoError(t, err)
				for i, s := range script {
					now := time.Now()
					question, _ := s.theirs[0].(string)
					value, problem := theirs.judge.try(question, s.theirs[1:]...)
					var refusal error
					switch {
					case s.ours != nil:
						refusal = s.ours(t.Context(), queue)
					case s.play != nil:
						refusal = s.play(ours)
					default:
						_, other := ours.judge.try(question, s.theirs[1:]...)
						require.Equal(t, problem == "", other == "", "%s: %s, %s", s.name, problem, other)
					}
					require.Equal(t, s.fails, problem != "", "step %d, %s: real %s %s", i, s.name, value, problem)
					require.Equal(t, s.fails && (s.ours != nil || s.play != nil), refusal != nil, "step %d, %s: ours %v", i, s.name, refusal)
					a, b := theirs.look(now), ours.look(now)
					for _, m := range meant {
						if m.library == "" || m.library == library {
							m.forgive(a, b)
						}
					}
					all := differences("", a.keys, b.keys, now)
					all = append(all, differences("events", toAny(a.events), toAny(b.events), now)...)
					require.Empty(t, all, "step %d, %s", i, s.name)
				}
			})
		}
	}
}

// announce does what the judge's queue does when it starts.
func (s *side) announce(library string) {
	s.t.Helper()
	version := map[string]string{"bullmq5": "bullmq:5.81.5", "bullmq6": "bullmq:6.7.0"}[library]
	require.NoError(s.t, s.rdb.HSet(s.t.Context(), s.keys.Meta(), "version", version, "opts.maxLenEvents", 10000).Err())
}

func toAny(texts []string) []any {
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}
