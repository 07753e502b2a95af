package starter

// Scale says how the number of a job's priority is meant.
type Scale string

// The scales.
const (
	// ScaleCinnamon: a higher number is more urgent, as documented: LOW 1, NORMAL 5, HIGH 10, URGENT 20.
	ScaleCinnamon Scale = "cinnamon"
	// ScaleBullMQ: a lower number is more urgent, and none at all runs first, as BullMQ's own workers read it.
	ScaleBullMQ Scale = "bullmq"
)

// key maps to Temporal's priority keys: 1 runs first, 5 last, 3 is the default.
func (s Scale) key(priority int) int {
	if s == ScaleBullMQ {
		switch {
		case priority <= 0:
			return 1
		case priority < int(Normal):
			return 2
		case priority < int(High):
			return 3
		case priority < int(Urgent):
			return 4
		default:
			return 5
		}
	}
	switch p := Priority(priority); {
	case p >= Urgent:
		return 1
	case p >= High:
		return 2
	case p >= Normal || p == 0:
		return 3
	default:
		return 4
	}
}
