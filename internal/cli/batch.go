package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

const (
	// leastBatch is from how many tests on they are started together.
	leastBatch = 12
	// mostBatch and mostBatchBytes bound one request.
	mostBatch      = 200
	mostBatchBytes = 8 << 20
)

// batchItem says what became of one run of a batch.
type batchItem struct {
	Status int         `json:"status"`
	Run    *accepted   `json:"run"`
	Error  *apiProblem `json:"error"`
}

// startBatches starts the tests at these indexes, many with one request. A test that the API refuses does not keep the others from
// running; trouble with the API itself does, and is returned.
func (r *runner) startBatches(ctx context.Context, indexes []int) error {
	var fatal error
	for len(indexes) > 0 {
		batch, body, err := r.nextBatch(indexes)
		if err != nil {
			return err
		}
		indexes = indexes[len(batch):]
		if fatal == nil {
			fatal = r.startBatch(ctx, batch, body)
			continue
		}
		for _, i := range batch {
			r.board.change(i, func(t *test) { t.refused = notTried(fatal) })
		}
	}
	return fatal
}

// nextBatch takes as many of the tests as fit into one request.
func (r *runner) nextBatch(indexes []int) (batch []int, body []byte, err error) {
	var runs []json.RawMessage
	size := 0
	for _, i := range indexes {
		var one map[string]json.RawMessage
		if err := json.Unmarshal(r.board.tests[i].body, &one); err != nil {
			return nil, nil, fmt.Errorf("reading the request of %s: %w", r.board.tests[i].file, err)
		}
		key, err := json.Marshal(r.board.tests[i].key)
		if err != nil {
			return nil, nil, fmt.Errorf("encoding a key: %w", err)
		}
		one["idempotencyKey"] = key
		text, err := json.Marshal(one)
		if err != nil {
			return nil, nil, fmt.Errorf("encoding the request of %s: %w", r.board.tests[i].file, err)
		}
		if size += len(text); len(runs) > 0 && (len(runs) == mostBatch || size > mostBatchBytes) {
			break
		}
		batch, runs = append(batch, i), append(runs, text)
	}
	body, err = json.Marshal(map[string]any{"runs": runs})
	if err != nil {
		return nil, nil, fmt.Errorf("encoding a batch: %w", err)
	}
	return batch, body, nil
}

// startBatch starts tests with one request. It returns an error if the rest need not be tried.
func (r *runner) startBatch(ctx context.Context, batch []int, body []byte) error {
	var answers []batchItem
	err := r.patiently(ctx, func() error {
		var err error
		answers, err = r.client.startBatch(r.leave, body) //nolint:contextcheck // a request under way is not ended: see patiently
		return err
	})
	if err == nil && (len(answers) != len(batch) || slices.ContainsFunc(answers, batchItem.silent)) {
		err = r.client.notOurs("its answer to a batch does not name what was started")
	}
	for at, i := range batch {
		r.board.change(i, func(t *test) {
			switch {
			case err != nil:
				t.refused = err
			case answers[at].Error != nil:
				t.refused = refused(answers[at])
			default:
				t.id, t.links = answers[at].Run.TestRunID, answers[at].Run.Links
			}
		})
	}
	if err != nil && ctx.Err() == nil && kindOf(err) != kindInput {
		return err
	}
	return nil
}

// silent says that an item tells nothing.
func (b batchItem) silent() bool { return b.Error == nil && (b.Run == nil || b.Run.TestRunID == "") }

// refused is why the API does not take one run of a batch.
func refused(b batchItem) error {
	return &apiError{status: b.Status, kind: kindInput, message: "the API refused it: " + b.Error.words(b.Status)}
}
