package bullmq

import (
	"crypto/rand"
	"encoding/base64"
	"time"

	"github.com/redis/go-redis/v9"
)

// clientName is what clients look for in Redis's list of connections to find the workers of a queue.
func (w *Worker) clientName() string {
	name := w.prefix + ":" + base64.StdEncoding.EncodeToString([]byte(w.queue))
	if w.options.Name != "" {
		name += ":w:" + w.options.Name
	}
	return name
}

// forCommands sends nothing twice: a claim or an end that was sent again could take two jobs. The worker itself asks
// again, in a way that Redis can tell.
func (w *Worker) forCommands(o redis.Options) *redis.Options {
	o.MaxRetries = -1
	o.PushNotificationProcessor = nil // one can't serve two clients
	o.PoolSize = max(o.PoolSize, w.options.Concurrency+4)
	return &o
}

func (w *Worker) forBlocking(o redis.Options) *redis.Options {
	o.ClientName = w.clientName()
	o.MaxRetries = -1
	o.PushNotificationProcessor = nil
	o.PoolSize, o.MinIdleConns, o.MaxIdleConns, o.MaxActiveConns = 1, 1, 1, 0
	o.ConnMaxIdleTime, o.ConnMaxLifetime = -1, -1
	o.ReadTimeout = w.blockingTimeout()
	return &o
}

// onCluster copies the options that a cluster's client was made with. Its repetitions follow a cluster's changes, and
// can't be told from those that follow a broken connection.
func (w *Worker) onCluster(from *redis.ClusterOptions, blocking bool) redis.UniversalClient {
	o := *from
	o.PushNotificationProcessor = nil
	if blocking {
		o.ClientName = w.clientName()
		o.PoolSize, o.MinIdleConns, o.MaxIdleConns, o.MaxActiveConns = 1, 0, 1, 0
		o.ConnMaxIdleTime, o.ConnMaxLifetime = -1, -1
		o.ReadTimeout = w.blockingTimeout()
	} else {
		o.PoolSize = max(o.PoolSize, w.options.Concurrency+4)
	}
	return redis.NewClusterClient(&o)
}

// blockingTimeout outlives the longest wait.
func (w *Worker) blockingTimeout() time.Duration { return w.options.DrainDelay + 10*time.Second }

// newToken returns what distinguishes this worker's locks.
func newToken() string { return rand.Text() }
