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
	if len(indexes) > 0 && r.options.suite(r.groupOf(indexes)) {
		return r.startSuite(ctx, indexes)
	}
	return r.start(ctx, indexes)
}

// startSuite starts the tests at these indexes with one request. The runs' ids are given with it, so that it can be told
// whose they are.
func (r *runner) startSuite(ctx context.Context, indexes []int) error {
	request := suiteRequestOf(r.options, r.groupOf(indexes))
	for _, i := range indexes {
		var one startRequest
		if err := json.Unmarshal(r.board.tests[i].body, &one); err != nil {
			return fmt.Errorf("reading the request of %s: %w", r.board.tests[i].file, err)
		}
		request.Config = one.Config
		request.Cases = append(request.Cases, suiteCase{Case: one.Case, TestRunID: runID(r.board.tests[i].key)})
	}
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encoding the suite: %w", err)
	}
	key := "suite-" + r.board.tests[indexes[0]].key
	var accepted acceptedSuite
	err = r.patiently(ctx, func() error {
		var err error
		accepted, err = r.client.startSuite(r.leave, suiteRunsPath(""), body, key) //nolint:contextcheck // a request under way is not ended: see patiently
		return err
	})
	for n, i := range indexes {
		r.board.change(i, func(t *test) {
			if err != nil {
				t.refused = err
				return
			}
			t.id, t.suiteRun = request.Cases[n].TestRunID, accepted.SuiteRunID
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

func (r *runner) groupOf(indexes []int) Group {
	return r.options.Groups[r.board.tests[indexes[0]].group]
}

// suiteRequestOf is what the options and the group's suite file, which counts less, say of a suite run.
func suiteRequestOf(o *Options, group Group) suiteRequest {
	request := suiteRequest{
		Title: suiteTitle(group), UserID: o.UserID, Priority: o.priority(), Attempts: o.Attempts, Parallel: o.Parallel, FailFast: o.FailFast,
	}
	if group.suite == nil {
		return request
	}
	said := group.suite.Suite
	if request.Parallel == 0 && said.Parallel != nil {
		request.Parallel = *said.Parallel
	}
	request.FailFast = request.FailFast || (said.FailFast != nil && *said.FailFast)
	if request.Priority == nil {
		request.Priority = said.Priority
	}
	request.Defaults = said.Config.JSON()
	return request
}

// suiteTitle names a suite: as its file does, or after its folder, or after its first path. A part of a folder has a name
// of its own, so that it is not taken for the whole.
func suiteTitle(group Group) string {
	const most = 200 // as many characters as the API takes
	name := ownName(group.Paths[0])
	if group.suite == nil {
		return firstRunes(name, most)
	}
	title := strings.TrimSpace(group.suite.Title)
	if title == "" {
		title = ownName(group.suite.dir)
	}
	if folderOf(group.Paths[0]) != filepath.Clean(group.Paths[0]) {
		title += ": " + name
	}
	return firstRunes(title, most)
}

func firstRunes(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

// ownName is the last part of a path, also of one like ".".
func ownName(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	if name := filepath.Base(path); name != string(filepath.Separator) {
		return name
	}
	return "Suite"
}
