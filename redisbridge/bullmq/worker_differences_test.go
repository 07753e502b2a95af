package bullmq_test

// workerDifference is one between our worker and BullMQ's own that is meant.
type workerDifference struct {
	why string
	// even makes the two alike in this, and in nothing else.
	even func(theirs, ours portrait)
}

// workerDifferences are all that may differ after a scenario. PARITY.md refers to this table; what our worker does with jobs
// that would block BullMQ's own is in TestNothingBlocksAWorker.
var workerDifferences = []workerDifference{
	{
		why: "a job that only has to be failed (defa) does not use up the limit, as in major 6; in major 5 it does",
		even: func(theirs, ours portrait) {
			all, counted := asList(ours.keys["limiter"]), asList(theirs.keys["limiter"])
			deferred := fieldsOf(theirs, "1")["failedReason"] == "told to fail"
			if deferred && len(all) == 2 && all[1] == "1" && len(counted) == 2 && counted[1] == "2" {
				counted[1] = "1"
			}
		},
	},
	{
		why: "major 5 writes into a scheduler's job which one comes next (nrjid); nothing reads it, and major 6 doesn't",
		even: func(theirs, ours portrait) {
			for name := range theirs.keys {
				fields := fieldsOf(theirs, name)
				if fields["nrjid"] == "repeat:s:TIME" && fieldsOf(ours, name)["nrjid"] == nil {
					delete(fields, "nrjid")
				}
			}
		},
	},
}

// fieldsOf returns a hash's fields; nil if the key is none.
func fieldsOf(p portrait, name string) map[string]any {
	if all := asList(p.keys[name]); len(all) == 2 {
		fields, _ := all[1].(map[string]any)
		return fields
	}
	return nil
}
