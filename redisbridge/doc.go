// Package redisbridge keeps the documented Redis keys current: it relays the outbox of job changes to the bull:* queues,
// promotes delayed jobs when they are due, publishes progress, and rebuilds everything in a Redis that lost data.
//
// Redis only shows what Postgres records. When it is away, nothing waits for it; when it is back, the relay catches up.
// The subpackage bullmq knows the wire protocol, this one knows what a test run's job looks like on it. Together they are
// the only importers of go-redis.
package redisbridge
