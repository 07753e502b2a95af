package bullmq

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Metrics are how many jobs ended in a state, as the workers counted them that were told to.
type Metrics struct {
	Count     int       // all of them
	At        time.Time // when the newest minute was written
	CountAt   int       // how many there were then
	PerMinute []int     // the newest minute first
	Minutes   int       // how many minutes there are
}

// Metrics returns how many jobs ended in a state, Completed or Failed, and how many in each of the minutes from start to
// end, which count from 0 and include the last; -1 is the oldest one there is.
func (q *Queue) Metrics(ctx context.Context, ended State, start, end int) (Metrics, error) {
	if _, err := q.endedSet(ended); err != nil {
		return Metrics{}, q.failed("reading the metrics of", err)
	}
	pipe := q.rdb.TxPipeline()
	total := pipe.HGetAll(ctx, q.keys.Metrics(ended))
	minutes := pipe.LRange(ctx, q.keys.MetricsData(ended), int64(start), int64(end))
	length := pipe.LLen(ctx, q.keys.MetricsData(ended))
	if _, err := pipe.Exec(ctx); err != nil {
		return Metrics{}, q.failed("reading the metrics of", err)
	}
	m := Metrics{
		Count: int(parseNumber(total.Val()["count"])), At: parseMillis(total.Val()["prevTS"]),
		CountAt: int(parseNumber(total.Val()["prevCount"])), Minutes: int(length.Val()),
	}
	for _, n := range minutes.Val() {
		m.PerMinute = append(m.PerMinute, int(parseNumber(n)))
	}
	return m, nil
}

// ExportPrometheus writes the number of jobs in each state, and of those that ended, in the text form that Prometheus
// reads. labels are added to each line.
func (q *Queue) ExportPrometheus(ctx context.Context, labels map[string]string) (string, error) {
	counts, err := q.Counts(ctx)
	if err != nil {
		return "", err
	}
	var extra strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&extra, `, %s="%s"`, name, escapeLabel(labels[name]))
	}
	queue := `queue="` + escapeLabel(q.name) + `"`
	var out strings.Builder
	out.WriteString("# HELP bullmq_job_count Number of jobs in the queue by state\n# TYPE bullmq_job_count gauge\n")
	for _, state := range allStates {
		fmt.Fprintf(&out, "bullmq_job_count{%s, state=\"%s\"%s} %d\n", queue, state, extra.String(), counts[state])
	}
	for _, ended := range []State{Completed, Failed} {
		m, err := q.Metrics(ctx, ended, 0, 0)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "# HELP bullmq_job_%s_total Total number of %s jobs\n# TYPE bullmq_job_%s_total counter\n", ended, ended, ended)
		fmt.Fprintf(&out, "bullmq_job_%s_total{%s%s} %d\n", ended, queue, extra.String(), m.Count)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

func escapeLabel(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text)
}

// WorkerInfo is one worker's connection.
type WorkerInfo struct {
	ID      string // of the connection
	Address string
	Name    string // the worker's, if it has one
	RawName string // the connection's
	Age     time.Duration
	Idle    time.Duration
	Fields  map[string]string // all that Redis says of the connection
}

// Workers returns the workers of the queue that are connected to Redis. Some hosted Redises don't tell.
func (q *Queue) Workers(ctx context.Context) ([]WorkerInfo, error) {
	var mutex sync.Mutex
	var workers []WorkerInfo
	list := func(ctx context.Context, node redis.Cmdable) error {
		text, err := node.ClientList(ctx).Result()
		if err != nil {
			return err
		}
		mutex.Lock()
		defer mutex.Unlock()
		workers = append(workers, q.workersIn(text)...)
		return nil
	}
	var err error
	if cluster, ok := q.rdb.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return list(ctx, node) })
	} else {
		err = list(ctx, q.rdb)
	}
	if err != nil {
		return nil, q.failed("listing the workers of", err)
	}
	return workers, nil
}

// workersIn picks the workers out of a list of connections: their names say whose they are.
func (q *Queue) workersIn(list string) (workers []WorkerInfo) {
	own := q.prefix + ":" + base64.StdEncoding.EncodeToString([]byte(q.name))
	for line := range strings.Lines(list) {
		fields := map[string]string{}
		for part := range strings.FieldsSeq(line) {
			if name, value, ok := strings.Cut(part, "="); ok {
				fields[name] = value
			}
		}
		raw := fields["name"]
		name, named := strings.CutPrefix(raw, own+":w:")
		if raw != own && !named {
			continue
		}
		if !named {
			name = ""
		}
		workers = append(workers, WorkerInfo{
			ID: fields["id"], Address: fields["addr"], Name: name, RawName: raw, Fields: fields,
			Age: seconds(fields["age"]), Idle: seconds(fields["idle"]),
		})
	}
	return workers
}

func seconds(text string) time.Duration {
	return time.Duration(float64(parseNumber(text)) * float64(time.Second))
}
