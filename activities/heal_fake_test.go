package activities_test

import (
	"context"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/healing"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// The script's sessions find nothing again: what heals is tested with a real browser.

func (s *session) DoAimed(ctx context.Context, step testcase.Step, _ browser.Aim) (browser.Sight, error) {
	return browser.Sight{Target: -1, Chosen: -1}, s.Do(ctx, step)
}

func (s *session) Look(context.Context) (browser.Sight, error) {
	return browser.Sight{Target: -1, Chosen: -1}, nil
}

func (s *session) Only(context.Context, testcase.Step, healing.Fingerprint, []testcase.Selector) ([]testcase.Selector, bool, error) {
	return nil, false, nil
}

func (s *session) Loaded(context.Context) (bool, error) { return false, nil }

func (s *session) Uncover(context.Context, testcase.Step) (browser.Dismissed, string, error) {
	return browser.Dismissed{}, "nothing lies over the element", nil
}

func (s *session) Marked(ctx context.Context, _ healing.Fingerprint) ([]byte, error) {
	return s.Screenshot(ctx)
}
