package testcase_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/testcase"
)

func TestDescriptionsKeepSecretsToThemselves(t *testing.T) {
	t.Parallel()
	for _, selector := range []string{"aria/Password", "#user_password", "input[autocomplete=cc-number]", "aria/PIN", "#cvc", "aria/Card number"} {
		for _, step := range []testcase.Step{
			{Type: testcase.TypeChange, Value: "paprika", Selectors: []testcase.Selector{{selector}}},
			{Type: testcase.TypeCustomStep, Name: testcase.CustomAssertValue, Selectors: []testcase.Selector{{selector}}, Parameters: testcase.Parameters{Expected: "paprika"}},
			{Type: testcase.TypeCustomStep, Name: testcase.CustomAssertText, Selectors: []testcase.Selector{{selector}}, Parameters: testcase.Parameters{Expected: "paprika"}},
		} {
			require.True(t, step.Confidential(), selector)
			require.NotContains(t, step.Description(), "paprika", selector)
		}
	}
	shown := testcase.Step{Type: testcase.TypeChange, Value: "express", Selectors: []testcase.Selector{{"#shipping"}}}
	require.Contains(t, shown.Description(), "express")
	require.False(t, shown.Confidential())

	address := testcase.Step{Type: testcase.TypeNavigate, URL: "https://ada:paprika@example.com/"}
	require.NotContains(t, address.Description(), "paprika")
}

func TestHidePassword(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://shop.example/a?b=c@d":         "https://shop.example/a?b=c@d",
		"https://ada@shop.example/":            "https://ada@shop.example/",
		"https://ada:paprika@shop.example/":    "https://ada:xxxxx@shop.example/",
		"https://ada:pap%zzrika@shop.example/": "https://•••@shop.example/",
		"/login":                               "/login",
	} {
		require.Equal(t, want, testcase.HidePassword(address))
	}
}
