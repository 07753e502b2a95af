package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// begin starts the tests at these indexes, as one suite run if the options ask for what only a suite does.
func (r *runner) begin(ctx context.Context, indexes []int) error {
	if r.options.suite() && len(indexes) > 0 {
		return r.startSuite(ctx, indexes)
	}
	return r.start(ctx, indexes)
}

// startSuite starts the tests at these indexes with one request. The runs' ids are given with it, so that it can be told
// whose they are.
func (r *runner) startSuite(ctx context.Context, indexes []int) error {
	group := r.options.Groups[r.board.tests[indexes[0]].group]
	request := suiteRequest{Title: suiteTitle(group), Parallel: r.options.Parallel, FailFast: r.options.FailFast}
	for _, i := range indexes {
		var one startRequest
		if err := json.Unmarshal(r.board.tests[i].body, &one); err != nil {
			return fmt.Errorf("reading the request of %s: %w", r.board.tests[i].file, err)
		}
		request.UserID, request.Priority, request.Attempts, request.Config = one.UserID, one.Priority, one.Attempts, one.Config
		request.Cases = append(request.Cases, suiteCase{Case: one.Case, TestRunID: runID(r.board.tests[i].key)})
	}
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encoding the suite: %w", err)
	}
	key := "suite-" + r.board.tests[indexes[0]].key
	err = r.patiently(ctx, func() error {
		return r.client.startSuite(r.leave, body, key) //nolint:contextcheck // a request under way is not ended: see patiently
	})
	for n, i := range indexes {
		r.board.change(i, func(t *test) {
			if err != nil {
				t.refused = err
				return
			}
			t.id = request.Cases[n].TestRunID
		})
	}
	if err != nil && ctx.Err() == nil && kindOf(err) != kindInput {
		return err
	}
	return nil
}

// runID derives the id of a run from its idempotency key, in the shape of a UUID.
func runID(key string) string {
	sum := sha256.Sum256([]byte("run\n" + key))
	text := hex.EncodeToString(sum[:16])
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}

// suiteTitle names a suite after its first path.
func suiteTitle(group Group) string {
	name := filepath.Base(filepath.Clean(group.Paths[0]))
	if name == "." || name == string(filepath.Separator) {
		return "Suite"
	}
	return name
}
