package bullmq_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// deafness lets connections break after Redis has carried a script out and before anybody hears its answer.
type deafness struct {
	every int64 // the how many-th script's answer is lost
	asked atomic.Int64
	used  atomic.Int64
}

func (d *deafness) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	return &deafConn{Conn: conn, deafness: d}, err
}

type deafConn struct {
	net.Conn
	*deafness

	deaf atomic.Bool
}

func (c *deafConn) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("evalsha")) && c.asked.Add(1)%c.every == 0 {
		c.deaf.Store(true)
	}
	return c.Conn.Write(p)
}

func (c *deafConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.deaf.Load() {
		c.used.Add(1)
		_ = c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// TestAnswersThatGetLost: a claim or an end whose answer is lost is neither lost nor done twice.
func TestAnswersThatGetLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at, err := redis.ParseURL(server.URL(t))
	require.NoError(t, err)
	broken := &deafness{every: 3}
	at.Dialer = broken.dial
	rdb := redis.NewClient(at)
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })

	const jobs = 60
	var runs [jobs]atomic.Int64
	for i := range jobs {
		opts := `{}`
		if i%4 == 0 {
			opts = `{"removeOnComplete":true}`
		}
		b.put(strconv.Itoa(i), `{}`, opts)
	}
	start(t, rdb, b.queue, func(_ context.Context, a *bullmq.Attempt) (any, error) {
		n, err := strconv.Atoi(a.Job.ID)
		if err == nil {
			runs[n].Add(1)
		}
		return n, err
	}, bullmq.WorkerOptions{Prefix: b.prefix, Concurrency: 3, StalledInterval: -1})
	eventually(t, "all jobs ended", func() bool {
		return len(b.list(b.keys.Wait())) == 0 && len(b.list(b.keys.Active())) == 0
	})
	for i := range runs {
		require.Equal(t, int64(1), runs[i].Load(), "job %d", i)
	}
	require.Len(t, b.set(b.keys.Completed()), jobs*3/4)
	completed := 0
	for _, event := range b.events() {
		if bytes.HasPrefix([]byte(event), []byte("event completed ")) {
			completed++
		}
	}
	require.Equal(t, jobs, completed)
	require.Greater(t, broken.used.Load(), int64(10), "the fault was there")
}

// TestARetryWhoseAnswerGetsLost counts one attempt.
func TestARetryWhoseAnswerGetsLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at, err := redis.ParseURL(server.URL(t))
	require.NoError(t, err)
	broken := &deafness{every: 2}
	at.Dialer = broken.dial
	rdb := redis.NewClient(at)
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	for i := range 8 {
		b.put(strconv.Itoa(i), `{"do":"fail","times":2,"msg":"e"}`, `{"attempts":3,"backoff":{"type":"fixed","delay":5}}`)
	}
	start(t, rdb, b.queue, obey, bullmq.WorkerOptions{Prefix: b.prefix, StalledInterval: -1, DrainDelay: 100 * time.Millisecond})
	eventually(t, "all jobs ended", func() bool { return len(b.set(b.keys.Completed())) == 8 })
	for i := range 8 {
		require.Equal(t, []string{"3", "3"}, []string{b.hash(strconv.Itoa(i))["atm"], b.hash(strconv.Itoa(i))["ats"]})
	}
	require.Greater(t, broken.used.Load(), int64(5), "the fault was there")
}
