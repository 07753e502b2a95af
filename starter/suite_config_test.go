package starter_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/starter"
	"github.com/cinnamon-qa/cinnamon/store"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

// The request counts more than the case, the case more than the suite, and that more than the defaults.
func TestConfigOfTheSuite(t *testing.T) {
	t.Parallel()
	suite, err := testcase.ParseSuiteConfig([]byte(`{"timeout": 90000, "headless": false, "viewport": {"width": 800, "height": 600}, "retries": 4,
		"baseUrls": {"staging": "https://staging.example"}, "environment": "staging", "artifacts": {"trace": "on", "har": "on"}, "adaptiveMode": false, "maxAdaptations": 1, "queueTimeout": 60000}`))
	require.NoError(t, err)
	said := store.RunConfig{
		Timeout: 90_000, QueueTimeout: 60_000, Viewport: store.Viewport{Width: 800, Height: 600}, AdaptiveMode: store.AdaptOff, MaxAdaptations: 1, BaseURL: "https://staging.example",
		Artifacts: map[artifact.Kind]artifact.Policy{artifact.Trace: artifact.On, artifact.HAR: artifact.On},
	}
	for name, test := range map[string]struct {
		config   string
		request  starter.Request
		want     func(c *store.RunConfig)
		attempts int
	}{
		"the suite's": {`{}`, starter.Request{}, func(*store.RunConfig) {}, 5},
		"the case's": {
			`{"timeout": 5000, "retries": 0, "device": "Pixel 7", "baseUrls": {"staging": "https://own.example"}}`,
			starter.Request{},
			func(c *store.RunConfig) {
				c.Timeout, c.Viewport, c.BaseURL = 5000, store.Viewport{}, "https://own.example"
			}, 1,
		},
		"the request's": {
			`{"timeout": 5000, "retries": 0}`,
			starter.Request{Attempts: 2, Config: &starter.RequestConfig{
				Timeout: new(int64(7000)), Headless: new(true), BaseURL: "http://here", AdaptiveMode: new(store.AdaptHeal), QueueTimeout: new(int64(0)),
				Artifacts: map[artifact.Kind]artifact.Policy{artifact.Trace: artifact.Off},
			}},
			func(c *store.RunConfig) {
				c.Timeout, c.Headless, c.BaseURL, c.AdaptiveMode, c.QueueTimeout = 7000, true, "http://here", store.AdaptHeal, 0
				c.Artifacts = map[artifact.Kind]artifact.Policy{artifact.Trace: artifact.Off}
			}, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := said
			test.want(&want)
			got, attempts, err := test.request.SettingsIn(suite, caseWith(t, `"config": `+test.config), 3)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, test.attempts, attempts)
		})
	}
}

func TestSuiteNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for config, field := range map[string]string{
		`{"vewport": {}}`:                                 "config.vewport",
		`{"viewport": {"width": 0, "height": 5}}`:         "config.viewport.width",
		`{"artifacts": {"trace": "always"}}`:              "config.artifacts.trace",
		`{"maxAdaptations": 101}`:                         "config.maxAdaptations",
		`{"storageState": {"login": {"file": "a.json"}}}`: "config.storageState.login",
		`{"baseUrls": {"staging": "http://user:pw@h"}}`:   "config.baseUrls.staging",
		`"fast"`: "config",
		fmt.Sprintf(`{"locale": %q}`, strings.Repeat("a", testcase.MaxSuiteBytes)): "config",
	} {
		err := (&starter.Suite{Cases: []string{"a"}, Config: json.RawMessage(config)}).Validate()
		coded, ok := errors.AsType[*fault.Error](err)
		require.True(t, ok, config)
		require.Equal(t, fault.Invalid, coded.Code)
		require.Len(t, coded.Fields, 1, config)
		require.Equal(t, field, coded.Fields[0].Field)
	}
	require.NoError(t, (&starter.Suite{Cases: []string{"a"}, Config: json.RawMessage(`{"httpCredentials": {"username": "lab", "password": "{{secret.LAB}}"}}`)}).Validate())
}

// TestSuitesSayWhatRequestsMay keeps the two from drifting apart: what the config of a request gets, that of a suite knows.
func TestSuitesSayWhatRequestsMay(t *testing.T) {
	t.Parallel()
	for field := range reflect.TypeFor[starter.RequestConfig]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		_, err := testcase.ParseSuiteConfig(fmt.Appendf(nil, `{%q: null}`, name))
		require.NoError(t, err, "testcase.SuiteConfig has to know what a request may say")
	}
}
