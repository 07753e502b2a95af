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
	Age   time.Duration // younger ones stay
	Limit int           // so many that are older go at once, the newest of them first; 0: a thousand
}

// KeepNewest keeps so many of the newest jobs, and all of them if the number is negative.
func KeepNewest(n int) Keep {
	if n < 0 {
		return Keep{}
	}
	return Keep{Count: &n}
}

// UnmarshalJSON reads the forms that clients write: a boolean, a number, or an object with count, age (seconds) and limit.
func (k *Keep) UnmarshalJSON(text []byte) error {
	var remove bool
	if json.Unmarshal(text, &remove) == nil {
		*k = Keep{}
		if remove {
			*k = KeepNewest(0)
		}
		return nil
	}
	var count int
	if json.Unmarshal(text, &count) == nil {
		*k = KeepNewest(count)
		return nil
	}
	var both struct {
		Count *int     `json:"count"`
		Age   *float64 `json:"age"`
		Limit int      `json:"limit"`
	}
	if err := json.Unmarshal(text, &both); err != nil {
		return fmt.Errorf("reading what to keep of finished jobs: %w", err)
	}
	*k = Keep{}
	if both.Count != nil {
		*k = KeepNewest(*both.Count)
	}
	if both.Age != nil {
		k.Limit = max(both.Limit, 0)
		k.Age = time.Duration(*both.Age * float64(time.Second))
		if k.Age <= 0 {
			*k = KeepNewest(0)
		}
	}
	return nil
}
