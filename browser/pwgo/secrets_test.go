package pwgo_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/browser"
)

func TestFailuresKeepSecretsToThemselves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.do(t, visit("/secrets.html"))
	for _, test := range []struct {
		step string
		kind browser.Kind
		want string
	}{
		// The selector says that it is one.
		{custom("assertText", `"selectors": "#token", "text": "expected-paprika"`), browser.Assertion, `the text of #token is •••, expected ••• (waited `},
		{custom("assertText", `"selectors": "#token", "text": "expected-paprika", "match": "contains"`), browser.Assertion, `the text of #token is •••, expected it to contain ••• (waited `},
		{custom("assertText", `"selectors": "#token", "text": "^expected-paprika", "match": "matches"`), browser.Assertion, `the text of #token is •••, expected it to match ••• (waited `},
		{custom("assertValue", `"selectors": "#token", "value": "expected-paprika"`), browser.Assertion, `#token has no value, expected ••• (waited `},
		{custom("assertValue", `"selectors": ["#token-field", "#secret"], "value": "expected-paprika"`), browser.Assertion, `is •••, expected ••• (waited `},
		// The field does.
		{custom("assertValue", `"selectors": "#plain", "value": "expected-paprika"`), browser.Assertion, `the value of #plain is •••, expected ••• (waited `},
		{custom("assertValue", `"selectors": "#plain", "value": "expected-paprika", "match": "contains"`), browser.Assertion, `the value of #plain is •••, expected it to contain ••• (waited `},
		{custom("assertText", `"selectors": "aria/Plain", "text": "expected-paprika"`), browser.Assertion, `is •••, expected ••• (waited `},
		{custom("assertValue", `"selectors": "#code", "value": "expected-paprika"`), browser.Assertion, `the value of #code is •••, expected ••• (waited `},
		{changeSecret("#readonly"), browser.Timeout, "cannot change #readonly: it is read-only (waited "},
		{changeSecret("#secret"), browser.Unsupported, "#secret does not take this value: "},
		{changeSecret("#pin_length"), browser.Timeout, "it has no such option (waited "},
		{changeSecret("#token"), browser.Unsupported, "#token does not take this value: "},
	} {
		err := b.Do(t.Context(), parse(t, test.step))
		require.ErrorContains(t, err, test.want)
		require.Equal(t, test.kind, browser.KindOf(err))
		// Neither the message nor what it was made of: causes may be logged.
		require.NotContains(t, everything(err), "paprika")
	}
}

func changeSecret(selector string) string {
	return fmt.Sprintf(`{"type": "change", "selectors": %q, "value": "expected-paprika", "timeout": 2500}`, selector)
}

// TestOutOfTimeIsStillToldFromFailed does not run in parallel: others on the
// same driver would take the moment that is left to say it.
func TestOutOfTimeIsStillToldFromFailed(t *testing.T) { //nolint:paralleltest // see above
	b := setup(t)
	b.do(t, visit("/secrets.html"))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	step := parse(t, changeSecret("#readonly"))
	step.Timeout = int(patience.Milliseconds())
	err := b.Do(ctx, step)
	require.True(t, browser.IsCutShort(err))
	require.Equal(t, browser.Timeout, browser.KindOf(err))
	require.NotContains(t, everything(err), "paprika")
}

// everything is what an error and all of its causes say.
func everything(err error) string {
	switch e := err.(type) { //nolint:errorlint // it walks the chain itself
	case nil:
		return ""
	case interface{ Unwrap() error }:
		return err.Error() + "\n" + everything(e.Unwrap())
	case interface{ Unwrap() []error }:
		all := []string{err.Error()}
		for _, part := range e.Unwrap() {
			all = append(all, everything(part))
		}
		return strings.Join(all, "\n")
	}
	return err.Error()
}

func TestNavigationFailuresHidePasswords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	message := b.fails(t, browser.Navigation, visit("http://ada:paprika@127.0.0.1:1/"))
	require.Contains(t, message, "cannot open http://ada:xxxxx@127.0.0.1:1/: ")
	require.NotContains(t, message, "paprika")
}
