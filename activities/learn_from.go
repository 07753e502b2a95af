package activities

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// What an attempt leaves for learning, beside its verdict.

// targetOf names what a step does to which element; empty if it acts on none.
func targetOf(s testcase.Step) string {
	if !s.ActsOnElement() {
		return ""
	}
	return s.TargetHash()
}

// pageOf is the page on which a step failed, as far as that is known.
func pageOf(err error) string {
	if e, ok := errors.AsType[*browser.Error](err); ok {
		return e.Page
	}
	return ""
}

// where is the environment of the attempt; empty if it did not get as far as its steps.
func (h *adapter) where() string {
	if h == nil {
		return ""
	}
	return h.environment
}

// version tells apart how the case and what its suite says for it were written.
func (a *attempt) version() string {
	if a.claim.Definition == nil {
		return ""
	}
	digest := sha256.New()
	_, _ = digest.Write(a.claim.Definition) // never fails
	_, _ = digest.Write(a.claim.Defaults)
	return hex.EncodeToString(digest.Sum(nil)[:8])
}
