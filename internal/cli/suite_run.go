package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"

	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

// isolated says that the tests are not in files: they are those of a stored suite, or of an earlier suite run.
func (o *Options) isolated() bool { return len(o.Groups) == 0 && (o.Suite != "" || o.OnlyFailed != "") }

// submitStored starts a stored suite, or what failed in an earlier suite run, and returns its tests. There are none if
// nothing is to be run again.
func (r *runner) submitStored(ctx context.Context) ([]test, error) {
	request := suiteRequest{
		UserID: r.options.UserID, Priority: r.options.priority(), Attempts: r.options.Attempts, Parallel: r.options.Parallel,
		FailFast: r.options.FailFast, Config: configOf(r.options, r.options.Target),
	}
	if r.options.OnlyFailed != "" {
		var earlier apiSuiteRun
		err := r.patiently(ctx, func() (err error) {
			//nolint:contextcheck // a request under way is not ended: see patiently
			earlier, err = r.client.earlier(r.leave, r.options.OnlyFailed, url.Values{"suite": {r.options.Suite}}, "suite "+r.options.Suite)
			return err
		})
		if err != nil {
			return nil, err
		}
		if earlier.passed() {
			r.view.notice(fmt.Sprintf("Nothing is to be run again: all %s of suite run %s passed.", count(earlier.Counts.Total, "test"), earlier.SuiteRunID))
			return nil, nil
		}
		request.FailedOf = earlier.SuiteRunID
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encoding the request: %w", err)
	}
	key := r.options.IdempotencyKey
	if key == "" {
		key = rand.Text()
	}
	path := suiteRunsPath(r.options.Suite)
	var runs []apiRun
	var accepted acceptedSuite
	err = r.patiently(ctx, func() (err error) {
		//nolint:contextcheck // a request under way is not ended: see patiently
		if accepted, err = r.client.startSuite(r.leave, path, body, "suite-"+key); err != nil {
			return err
		}
		runs, err = r.client.runsOfSuite(r.leave, accepted.SuiteRunID)
		return err
	})
	if isMissing(err) && request.FailedOf == "" {
		return nil, usageError("%s: `cinnamon suite list` lists the stored ones, and `cinnamon run FOLDER` runs a folder", err)
	}
	if err != nil {
		return nil, err
	}
	tests := make([]test, len(runs))
	for i, run := range runs {
		tests[i] = test{
			title: run.Title, caseID: run.TestCaseID, baseURL: r.options.Target.BaseURL, id: run.TestRunID, links: run.Links, run: run,
			suiteRun: accepted.SuiteRunID,
		}
	}
	if r.options.Terminal && !r.options.Detach {
		r.learnSteps(tests) //nolint:contextcheck // bounded by r.leave
	}
	return tests, nil
}

// maxLearned bounds how many cases are read for the sake of the live bars.
const maxLearned = 200

// learnSteps finds out what the steps of stored cases do, for the live bars. It is an extra: they do without it.
func (r *runner) learnSteps(tests []test) {
	var group errgroup.Group
	group.SetLimit(maxStarting)
	for i := range tests[:min(len(tests), maxLearned)] {
		t := &tests[i]
		group.Go(func() error {
			var answer struct {
				Case *testcase.Case `json:"case"`
			}
			if err := r.client.get(r.leave, "/api/test-cases/"+url.PathEscape(t.caseID), &answer); err == nil && answer.Case != nil {
				t.steps = descriptions(r.leave, answer.Case)
			}
			return nil
		})
	}
	_ = group.Wait() // its functions return no errors
}
