package starter

import (
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// Settings returns what a run of the case would be started with.
func (r *Request) Settings(c *testcase.Case, attempts int) (store.RunConfig, int, error) {
	cfg, err := r.config(c)
	return cfg, r.attempts(c, attempts), err
}

// RunsAlone says what keeps a case from being run without its files.
func RunsAlone(c *testcase.Case) error { return runsAlone("case", c) }

// SettingsIn returns what a run of the case in a suite would be started with.
func (r *Request) SettingsIn(suite *testcase.SuiteConfig, c *testcase.Case, attempts int) (store.RunConfig, int, error) {
	var err error
	if r.Config, err = r.Config.over(suite); err != nil {
		return store.RunConfig{}, 0, err
	}
	if c, err = c.In(suite); err != nil {
		return store.RunConfig{}, 0, err
	}
	return r.Settings(c, attempts)
}
