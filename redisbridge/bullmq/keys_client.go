package bullmq

// Keys that only clients use.

// Repeat is the sorted set of schedulers by the time of their next job.
func (k Keys) Repeat() string { return k.public + "repeat" }

// Scheduler is the hash of a scheduler.
func (k Keys) Scheduler(id string) string { return k.public + "repeat:" + id }

// Limiter counts the jobs that were started in the window of a rate limit.
func (k Keys) Limiter() string { return k.public + "limiter" }

// Logs is the log of a job.
func (k Keys) Logs(id string) string { return k.public + id + ":logs" }

// Metrics counts the jobs that ended in a state, and MetricsData those of each minute.
func (k Keys) Metrics(ended State) string { return k.public + "metrics:" + string(ended) }

// MetricsData is the list of how many jobs ended in each minute, the newest first.
func (k Keys) MetricsData(ended State) string { return k.public + "metrics:" + string(ended) + ":data" }

// Deduplication is the id of the job that owns a deduplication id.
func (k Keys) Deduplication(id string) string { return k.public + "de:" + id }
