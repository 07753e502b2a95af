package bullmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// schedulingTries is how often a scheduler is read again that somebody else changed meanwhile.
const schedulingTries = 20

var errContended = errors.New("others change the scheduler all the time")

// Scheduler adds jobs again and again. The next one is there, delayed, before it is due; when it begins, the worker that
// takes it adds the one after it.
type Scheduler struct {
	ID         string
	Next       time.Time // slot of its next job; of the last one, if there is none any more
	Repeat     Repeat    // Offset is also there if nobody gave one: what the first slot had
	Iterations int       // jobs that it has added; 0 of those that old clients made
	Template   NewJob    // Data is a json.RawMessage
	Err        error     // what of it can't be read
}

// UpsertScheduler makes a scheduler, or changes the one of that id, and returns the id of its next job, which takes the
// place of the one that was next before. Every begins at once, or at Start; if the scheduler had the same Every before, it
// keeps its slots. A Pattern begins with its next match, or at once if Immediately is set. The template's options lack
// what the queue's defaults give.
func (q *Queue) UpsertScheduler(ctx context.Context, id string, repeat Repeat, template NewJob) (jobID string, err error) {
	doing := "scheduling " + id + " on"
	plan, err := q.plan(id, repeat, template)
	if err == nil {
		err = q.announceOnce(ctx)
	}
	if err != nil {
		return "", q.failed(doing, err)
	}
	occupied := time.Time{}
	for range schedulingTries {
		known, err := q.known(ctx, id)
		if err != nil {
			return "", q.failed(doing, err)
		}
		slot, err := plan.slot(known, time.Now(), occupied)
		if err != nil {
			return "", q.failed(doing, err)
		}
		code, err := q.schedule(ctx, plan, known, slot)
		switch {
		case err != nil:
			return "", q.failed(doing, err)
		case code == 1:
			return iterationID(id, slot), nil
		case code == codeOccupied:
			occupied = slot
		}
	}
	return "", q.failed(doing, errContended)
}

// Codes of the scripts that arm schedulers, beside those of codeError.
const (
	codeMoved    = -7
	codeOccupied = -8
)

// plan is a scheduler to be.
type plan struct {
	id      string
	repeat  Repeat
	name    string
	data    string
	options JobOptions
}

func (q *Queue) plan(id string, repeat Repeat, template NewJob) (plan, error) {
	problem := ""
	switch {
	case id == "":
		problem = "a scheduler has no id"
	case repeat.Every > 0 && repeat.Pattern != "", repeat.Every < time.Millisecond && repeat.Pattern == "":
		problem = "a scheduler repeats either by a pattern or after a time"
	case repeat.Immediately && !repeat.Start.IsZero():
		problem = "a scheduler begins immediately or at a time, not both"
	case !repeat.End.IsZero() && !repeat.End.After(time.Now()):
		problem = "a scheduler has ended before it begins"
	case repeat.Limit < 0 || repeat.Offset < 0 || repeat.Every < 0:
		problem = "a number of the scheduler's is negative"
	}
	if problem != "" {
		return plan{}, fmt.Errorf("%w: %s", ErrInvalid, problem)
	}
	if repeat.Pattern != "" {
		if _, err := parseCron(repeat.Pattern, repeat.TZ); err != nil {
			return plan{}, err
		}
	}
	p := plan{id: id, repeat: repeat, name: template.Name, options: template.Options.over(q.defaults)}
	if p.name == "" {
		p.name = id
	}
	var err error
	if p.data, err = encodeData(template.Data); err != nil {
		return plan{}, err
	}
	checked := p.options
	checked.JobID = "" // a scheduler names its jobs itself
	return p, checkOptions(checked, len(p.data))
}

// knownScheduler is what Redis has of a scheduler.
type knownScheduler struct {
	armed string // its slot in ms, or nothing
	hash  map[string]string
}

func (q *Queue) known(ctx context.Context, id string) (knownScheduler, error) {
	pipe := q.rdb.TxPipeline()
	score := pipe.ZScore(ctx, q.keys.Repeat(), id)
	hash := pipe.HGetAll(ctx, q.keys.Scheduler(id))
	if _, err := pipe.Exec(ctx); err != nil && !isNil(err) {
		return knownScheduler{}, err
	}
	known := knownScheduler{hash: hash.Val()}
	if score.Err() == nil {
		known.armed = decimal(int64(score.Val()))
	}
	return known, nil
}

// slot is when the scheduler's next job runs. occupied is a slot that it can't be.
func (p plan) slot(known knownScheduler, now, occupied time.Time) (time.Time, error) {
	r := p.repeat
	if r.Every > 0 {
		switch {
		case !occupied.IsZero():
			return occupied.Add(r.Every), nil
		case known.armed != "" && parseNumber(known.hash["every"]).duration() == r.Every:
			return parseMillis(known.armed), nil
		case r.Offset > 0:
			return nextSlot(now, r.Every, r.Offset), nil
		}
		return latest(now, r.Start), nil
	}
	if r.Immediately && occupied.IsZero() {
		return now, nil
	}
	slot, err := NextRun(r, latest(now, occupied))
	if err == nil && slot.IsZero() {
		err = fmt.Errorf("%w: the pattern %q has no match before the end", ErrInvalid, r.Pattern)
	}
	return slot, err
}

// schedule lays out and runs the schedule script: see its header.
func (q *Queue) schedule(ctx context.Context, p plan, known knownScheduler, slot time.Time) (code int64, err error) {
	r := p.repeat
	var offset string
	switch {
	case r.Offset > 0:
		offset = decimal(r.Offset.Milliseconds())
	case known.hash["offset"] != "":
		offset = known.hash["offset"]
	case r.Every > 0:
		offset = decimal(slot.UnixMilli() % r.Every.Milliseconds())
	default:
		offset = "0"
	}
	stored, err := p.options.stored(false)
	if err != nil {
		return 0, err
	}
	var present []field
	var absent []string
	put := func(there bool, name, value string) {
		if there {
			present = append(present, field{name, value})
		} else {
			absent = append(absent, name)
		}
	}
	put(true, "name", p.name)
	put(true, "offset", offset)
	put(r.Every > 0, "every", decimal(r.Every.Milliseconds()))
	put(r.Pattern != "", "pattern", r.Pattern)
	put(r.TZ != "", "tz", r.TZ)
	put(r.Limit > 0, "limit", strconv.Itoa(r.Limit))
	put(!r.Start.IsZero(), "startDate", millis(r.Start))
	put(!r.End.IsZero(), "endDate", millis(r.End))
	put(stored != "{}", "opts", stored)
	put(p.data != "{}", "data", p.data)

	r.Count = 1
	args, err := iteration(q.keys, p.id, known.armed, slot, time.Now(), p.name, p.data, p.options, r, false)
	if err != nil {
		return 0, err
	}
	args = appendFields(args, present)
	for _, name := range absent {
		args = append(args, name)
	}
	return q.scripts.schedule.exec(ctx, q.rdb, schedulingKeys(q.keys, p.id), args...).Int64()
}

func schedulingKeys(k Keys, id string) []string {
	return []string{
		k.Wait(), k.Paused(), k.Active(), k.Prioritized(), k.Delayed(), k.Events(), k.Meta(), k.ID(), k.PriorityCounter(),
		k.Marker(), k.Repeat(), k.Scheduler(id),
	}
}

func iterationID(scheduler string, slot time.Time) string {
	return "repeat:" + scheduler + ":" + millis(slot)
}

// iteration lays out the arguments that the scripts share that add a scheduler's job.
func iteration(
	k Keys, id, armed string, slot, now time.Time, name, data string, o JobOptions, r Repeat, counted bool,
) ([]any, error) {
	o.JobID, o.Timestamp, o.RepeatJobKey, o.Repeat = iterationID(id, slot), now, id, &r
	delay := max(slot.UnixMilli()-now.UnixMilli(), 0)
	o.Delay, o.PrevMillis = time.Duration(delay)*time.Millisecond, 0
	if r.Pattern != "" {
		o.PrevMillis = slot.UnixMilli()
	}
	opts, err := o.stored(counted)
	if err != nil {
		return nil, err
	}
	deduplication := ""
	if o.Deduplication != nil {
		deduplication = o.Deduplication.ID
	}
	return []any{
		k.Base(), id, armed, millis(slot), name, data, opts, millis(now), decimal(delay), strconv.Itoa(o.Priority),
		flag(o.LIFO), deduplication,
	}, nil
}

// RemoveScheduler deletes a scheduler, and its next job if that is still delayed; one that waits already runs once more.
// It says whether there was one.
func (q *Queue) RemoveScheduler(ctx context.Context, id string) (removed bool, err error) {
	k := q.keys
	_, err = q.scripts.unschedule.count(ctx, q.rdb,
		[]string{k.Delayed(), k.Events(), k.Meta(), k.Repeat(), k.Scheduler(id)}, k.Base(), id)
	if errors.Is(err, ErrUnknownJob) {
		return false, nil
	}
	if err != nil {
		return false, q.failed("removing scheduler "+id+" from", err)
	}
	return true, nil
}

// Scheduler returns a scheduler, and whether there is one.
func (q *Queue) Scheduler(ctx context.Context, id string) (Scheduler, bool, error) {
	known, err := q.known(ctx, id)
	if err != nil {
		return Scheduler{}, false, q.failed("reading scheduler "+id+" of", err)
	}
	if known.armed == "" && len(known.hash) == 0 {
		return Scheduler{}, false, nil
	}
	return decodeScheduler(id, parseMillis(known.armed), known.hash), true, nil
}

// Schedulers returns those from start to end by the time of their next job, which count from 0 and include the last; -1
// is the last one there is.
func (q *Queue) Schedulers(ctx context.Context, start, end int, ascending bool) ([]Scheduler, error) {
	args := redis.ZRangeArgs{Key: q.keys.Repeat(), Start: start, Stop: end, Rev: !ascending}
	members, err := q.rdb.ZRangeArgsWithScores(ctx, args).Result()
	if err != nil {
		return nil, q.failed("listing the schedulers of", err)
	}
	hashes := make([]*redis.MapStringStringCmd, len(members))
	ids := make([]string, len(members))
	_, err = q.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, member := range members {
			ids[i], _ = member.Member.(string)
			hashes[i] = pipe.HGetAll(ctx, q.keys.Scheduler(ids[i]))
		}
		return nil
	})
	if err != nil {
		return nil, q.failed("reading the schedulers of", err)
	}
	schedulers := make([]Scheduler, len(members))
	for i, member := range members {
		schedulers[i] = decodeScheduler(ids[i], time.UnixMilli(int64(member.Score)), hashes[i].Val())
	}
	return schedulers, nil
}

// SchedulerCount counts the schedulers.
func (q *Queue) SchedulerCount(ctx context.Context) (int, error) {
	n, err := q.rdb.ZCard(ctx, q.keys.Repeat()).Result()
	if err != nil {
		return 0, q.failed("counting the schedulers of", err)
	}
	return int(n), nil
}

func decodeScheduler(id string, next time.Time, hash map[string]string) Scheduler {
	s := Scheduler{
		ID: id, Next: next, Iterations: int(parseNumber(hash["ic"])),
		Repeat: Repeat{
			Every: parseNumber(hash["every"]).duration(), Pattern: hash["pattern"], TZ: hash["tz"],
			Limit: int(parseNumber(hash["limit"])), Offset: parseNumber(hash["offset"]).duration(),
		},
		Template: NewJob{Name: hash["name"]},
	}
	var problems []error
	date := func(name string) time.Time {
		if hash[name] == "" {
			return time.Time{}
		}
		at, err := parseDate(hash[name])
		if err != nil {
			problems = append(problems, fmt.Errorf("reading the %s of scheduler %s: %w", name, id, err))
		}
		return at
	}
	s.Repeat.Start, s.Repeat.End = date("startDate"), date("endDate")
	if text := hash["opts"]; text != "" {
		if err := json.Unmarshal([]byte(text), &s.Template.Options); err != nil {
			problems = append(problems, fmt.Errorf("reading the options of scheduler %s: %w", id, err))
		}
	}
	if text := hash["data"]; text != "" {
		if json.Valid([]byte(text)) {
			s.Template.Data = json.RawMessage(text)
		} else {
			problems = append(problems, fmt.Errorf("reading scheduler %s: its data is not JSON", id))
		}
	}
	s.Err = errors.Join(problems...)
	return s
}

// armer adds the next jobs of schedulers: the duty of whoever makes a scheduler's job active.
type armer struct {
	queue Queue
	arm   script
}

func newArmer(rdb redis.UniversalClient, keys Keys) *armer {
	return &armer{queue: Queue{rdb: rdb, keys: keys}, arm: loadScript("arm-12.lua")}
}

// armNext adds the job that comes after one that has become active, and returns its id, or nothing if there is none to
// add: the job is no scheduler's, its scheduler is gone, was changed or armed by somebody else, or has reached its limit
// or end.
func (a *armer) armNext(ctx context.Context, job Job, now time.Time) (id string, err error) {
	colon := strings.LastIndex(job.ID, ":")
	if job.SchedulerID == "" || colon < 0 || job.ID[:colon] != "repeat:"+job.SchedulerID {
		return "", nil
	}
	slot := job.ID[colon+1:]
	known, err := a.queue.known(ctx, job.SchedulerID)
	if err != nil {
		return "", fmt.Errorf("reading scheduler %s: %w", job.SchedulerID, err)
	}
	if known.armed != slot || len(known.hash) == 0 {
		return "", nil
	}
	options, err := job.Options()
	if err != nil {
		return "", err
	}
	next, repeat, err := following(job, options, known, now)
	if err != nil || next.IsZero() {
		return "", err
	}
	data := known.hash["data"]
	if data == "" {
		data = "{}"
	}
	args, err := iteration(a.queue.keys, job.SchedulerID, slot, next, now, known.hash["name"], data, options, repeat, true)
	if err != nil {
		return "", err
	}
	code, err := a.arm.exec(ctx, a.queue.rdb, schedulingKeys(a.queue.keys, job.SchedulerID), args...).Int64()
	if err != nil {
		return "", fmt.Errorf("arming scheduler %s: %w", job.SchedulerID, err)
	}
	if code != 1 {
		return "", nil
	}
	return iterationID(job.SchedulerID, next), nil
}

// following is the slot after a scheduler's job, and how that job repeats; the zero time if it was the last one.
func following(job Job, options JobOptions, known knownScheduler, now time.Time) (time.Time, Repeat, error) {
	scheduler := decodeScheduler(job.SchedulerID, time.Time{}, known.hash)
	repeat := scheduler.Repeat
	repeat.Offset = 0
	if options.Repeat != nil {
		repeat = *options.Repeat
	}
	repeat.Count++
	if (repeat.Limit > 0 && repeat.Count > repeat.Limit) || (!repeat.End.IsZero() && now.After(repeat.End)) {
		return time.Time{}, repeat, nil
	}
	previous := parseMillis(known.armed)
	if repeat.Every > 0 {
		next := previous.Add(repeat.Every)
		if !next.After(now) {
			next = nextSlot(now, repeat.Every, scheduler.Repeat.Offset)
		}
		return next, repeat, nil
	}
	next, err := NextRun(Repeat{Pattern: repeat.Pattern, TZ: repeat.TZ, End: repeat.End}, latest(now, previous))
	return next, repeat, err
}
