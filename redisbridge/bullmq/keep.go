package bullmq

import (
	"encoding/json"
	"fmt"
	"time"
)

// Keep says which finished jobs stay, as BullMQ's removeOnComplete and removeOnFail do. The zero value keeps all.
// It holds for the whole set of jobs that ended the same way, and takes effect when one joins them.
type Keep struct {
	Count *int          // so many of the newest stay; none: delete at once
	Age   time.Duration // younger ones stay; it counts in seconds
	Limit int           // how many that are too old go when one joins; 0: BullMQ's own 1000
}

// KeepNewest keeps so many of the newest jobs, and all of them if the number is negative.
func KeepNewest(n int) Keep {
	if n < 0 {
		return Keep{}
	}
	return Keep{Count: &n}
}

// KeepAll is what an option says that keeps all jobs although the queue's default would not.
func KeepAll() *Keep { return &Keep{} }

// MarshalJSON writes the shortest form that clients read: a boolean, a number, or an object.
func (k Keep) MarshalJSON() ([]byte, error) {
	switch {
	case k.Age <= 0 && k.Limit <= 0 && k.Count == nil:
		return []byte("false"), nil
	case k.Age <= 0 && k.Limit <= 0 && *k.Count == 0:
		return []byte("true"), nil
	case k.Age <= 0 && k.Limit <= 0:
		return json.Marshal(*k.Count)
	}
	wire := struct {
		Age   float64 `json:"age,omitempty"`
		Count *int    `json:"count,omitempty"`
		Limit int     `json:"limit,omitempty"`
	}{k.Age.Seconds(), k.Count, k.Limit}
	return json.Marshal(wire)
}

// UnmarshalJSON reads the forms that clients write: a boolean, a number, or an object with count, age (seconds) and
// limit.
func (k *Keep) UnmarshalJSON(text []byte) error {
	var remove bool
	if json.Unmarshal(text, &remove) == nil {
		*k = Keep{}
		if remove {
			*k = KeepNewest(0)
		}
		return nil
	}
	var count number
	if json.Unmarshal(text, &count) == nil {
		*k = KeepNewest(int(count))
		return nil
	}
	var wire struct {
		Count *number `json:"count"`
		Age   *number `json:"age"`
		Limit *number `json:"limit"`
	}
	if err := json.Unmarshal(text, &wire); err != nil {
		return fmt.Errorf("reading what to keep of finished jobs: %w", err)
	}
	*k = Keep{}
	if wire.Count != nil {
		*k = KeepNewest(int(*wire.Count))
	}
	if wire.Limit != nil {
		k.Limit = int(*wire.Limit)
	}
	if wire.Age != nil {
		k.Age = time.Duration(float64(*wire.Age) * float64(time.Second))
		if k.Age <= 0 {
			*k = KeepNewest(0)
		}
	}
	return nil
}
