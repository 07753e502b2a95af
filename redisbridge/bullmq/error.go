package bullmq

import "fmt"

// ChangeError says that one change can't be shown, now or later. The others of its batch are not affected.
type ChangeError struct {
	JobID   string
	Seq     int64
	Problem string // what is wrong, for people
	Err     error  // Redis's own words, if it was Redis that refused
}

func (e *ChangeError) Error() string {
	text := fmt.Sprintf("change %d of job %q can't be shown: %s", e.Seq, e.JobID, e.Problem)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *ChangeError) Unwrap() error { return e.Err }
