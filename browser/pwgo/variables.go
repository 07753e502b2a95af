package pwgo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/secret"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// lookup gives the steps of the session what they name in braces. A secret
// that is given out is taken out of every error from then on.
func (s *session) lookup(ctx context.Context) testcase.Lookup {
	return func(name string, isSecret bool) (string, error) {
		if isSecret {
			return s.secretValue(ctx, name)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		value, ok := s.variables[name]
		if !ok {
			return "", failure(browser.Unsupported, nil, "there is no variable %q, %s", name, known(s.variables))
		}
		return value, nil
	}
}

func known(variables map[string]string) string {
	if len(variables) == 0 {
		return "nothing has been given one yet"
	}
	return "only " + clip(strings.Join(slices.Sorted(maps.Keys(variables)), ", "))
}

func (s *session) secretValue(ctx context.Context, name string) (string, error) {
	if s.pool.cfg.Secrets == nil {
		return "", failure(browser.Unsupported, nil, "this worker knows no secrets: set CINNAMON_SECRET_%s for it", name)
	}
	value, err := s.pool.cfg.Secrets.Resolve(ctx, name)
	switch {
	case errors.Is(err, secret.ErrUnknown):
		return "", failure(browser.Unsupported, nil, "this worker knows no secret %q: set CINNAMON_SECRET_%s for it", name, name)
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", failure(browser.Unavailable, err, "secret %q could not be read: %s", name, clip(err.Error()))
	}
	if err := secret.Check(name, value); err != nil {
		return "", failure(browser.Unsupported, nil, "%s", err)
	}
	s.redactor.Add(value)
	return value, nil
}

// set gives a variable its value.
func (s *session) set(name, value string) {
	if r := []rune(value); len(r) > testcase.MaxVariable {
		cut := string(r[:testcase.MaxVariable])
		if s.redactor.Redact(value) != value {
			s.redactor.Add(cut) // the end that it would be known by is gone
		}
		value = cut
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.variables[name] = value
}

// redact takes secrets out of an error. What it was made of goes, too: it may
// be logged, and quotes what was typed.
func (s *session) redact(err error) error {
	if err == nil || s.redactor.Empty() {
		return err
	}
	e, ok := errors.AsType[*browser.Error](err)
	if !ok {
		text := err.Error()
		redacted := s.redactor.Redact(text)
		switch {
		case redacted == text:
			return err
		case errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("%s: %w", redacted, context.DeadlineExceeded)
		case errors.Is(err, context.Canceled):
			return fmt.Errorf("%s: %w", redacted, context.Canceled)
		}
		return errors.New(redacted)
	}
	quiet := quietly(e, s.redactor.Redact(e.Message))
	quiet.Page = s.redactor.Redact(e.Page)
	return quiet
}

// quietly is an error without its cause, except whether time ran out.
func quietly(e *browser.Error, message string) *browser.Error {
	quiet := &browser.Error{Kind: e.Kind, Message: message, CutShort: e.CutShort, Element: e.Element, Covered: e.Covered}
	for _, ended := range []error{context.DeadlineExceeded, context.Canceled} {
		if errors.Is(e.Cause, ended) {
			quiet.Cause = ended
		}
	}
	return quiet
}
