package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
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
	path := "/api/suite-runs"
	if r.options.Suite != "" {
		path = "/api/suites/" + url.PathEscape(r.options.Suite) + "/runs"
	}
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
	return tests, nil
}
