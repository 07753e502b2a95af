package bullmq_test

// The differences between our worker and BullMQ's own that are meant. PARITY.md refers to this table.

// A job with defa counts for the limiter in major 5, and does not in major 6, as here.
var limiterOfVersion5 = difference{
	why: "a job that only has to be failed does not use up the limit, as in major 6",
	even: func(real, _ portrait) {
		if real.keys["limiter"].([]any)[1] == "2" {
			real.keys["limiter"] = []any{false, "1"}
		}
	},
}
