package bullmq

// Keys builds the names of one queue's keys. Nothing else puts key names together.
type Keys struct {
	public  string
	private string
}

// NewKeys returns the keys of a queue under a prefix, which is "bull" unless clients were told otherwise.
func NewKeys(prefix, queue string) Keys {
	name := prefix + ":" + queue + ":"
	return Keys{public: name, private: "cinnamon:" + name}
}

// Base is what all of the queue's own keys begin with.
func (k Keys) Base() string { return k.public }

// Wait is the list of ids without a priority that wait: the right end runs next.
func (k Keys) Wait() string { return k.public + "wait" }

// Paused is what clients of major 5 rename Wait to while the queue is paused.
func (k Keys) Paused() string { return k.public + "paused" }

// Active is the list of ids that run.
func (k Keys) Active() string { return k.public + "active" }

// Prioritized is the sorted set of ids with a priority that wait.
func (k Keys) Prioritized() string { return k.public + "prioritized" }

// Delayed is the sorted set of ids by the time they are due.
func (k Keys) Delayed() string { return k.public + "delayed" }

// Completed is the sorted set of ids by the time they ended well.
func (k Keys) Completed() string { return k.public + "completed" }

// Failed is the sorted set of ids by the time they ended badly.
func (k Keys) Failed() string { return k.public + "failed" }

// WaitingChildren is the sorted set of ids that wait for their children.
func (k Keys) WaitingChildren() string { return k.public + "waiting-children" }

// Events is the stream that listeners read.
func (k Keys) Events() string { return k.public + "events" }

// Meta is the hash of the queue's settings.
func (k Keys) Meta() string { return k.public + "meta" }

// ID is the counter that clients take job ids from.
func (k Keys) ID() string { return k.public + "id" }

// PriorityCounter orders jobs of equal priority.
func (k Keys) PriorityCounter() string { return k.public + "pc" }

// Marker is the sorted set that idle workers block on.
func (k Keys) Marker() string { return k.public + "marker" }

// Stalled is the set of active ids that workers saw without a sign of life.
func (k Keys) Stalled() string { return k.public + "stalled" }

// Metrics is the hash that counts the jobs that ended in a state.
func (k Keys) Metrics(s State) string { return k.public + "metrics:" + string(s) }

// MetricsData is the list of how many jobs ended in a state in each minute, the newest first.
func (k Keys) MetricsData(s State) string { return k.Metrics(s) + ":data" }

// Job is the hash of a job.
func (k Keys) Job(id string) string { return k.public + id }

// Lock says who runs a job.
func (k Keys) Lock(id string) string { return k.public + id + ":lock" }

// Logs is the list of the lines of a job's log, the oldest first.
func (k Keys) Logs(id string) string { return k.public + id + ":logs" }

// Waiting is Cinnamon's documented list of all ids that wait, with a priority or without: the left end is the newest.
// BullMQ itself has no such key.
func (k Keys) Waiting() string { return k.public + "waiting" }

// Epoch is the private key that tells a Redis which lost its data from one that a client cleaned up.
func (k Keys) Epoch() string { return k.private + "epoch" }

// Position is the private key that says how far the changes of the queue are shown.
func (k Keys) Position() string { return k.private + "position" }

// Evicted is the private key that says how many evictions are made good.
func (k Keys) Evicted() string { return k.private + "evicted" }

// Gone is the private tombstone of a job whose hash was deleted.
func (k Keys) Gone(id string) string { return k.private + "gone:" + id }

// Limiter counts the jobs that were started in the present window of a rate limit.
func (k Keys) Limiter() string { return k.public + "limiter" }

// Repeat is the sorted set of job schedulers by the time of their next job.
func (k Keys) Repeat() string { return k.public + "repeat" }

// Scheduler is the hash of a job scheduler.
func (k Keys) Scheduler(id string) string { return k.public + "repeat:" + id }

// Deduplication is the id of the job that owns a deduplication id.
func (k Keys) Deduplication(id string) string { return k.public + "de:" + id }
