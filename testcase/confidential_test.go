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
		} {
			require.NotContains(t, step.Description(), "paprika", selector)
		}
	}
	shown := testcase.Step{Type: testcase.TypeChange, Value: "express", Selectors: []testcase.Selector{{"#shipping"}}}
	require.Contains(t, shown.Description(), "express")

	address := testcase.Step{Type: testcase.TypeNavigate, URL: "https://ada:paprika@example.com/"}
	require.NotContains(t, address.Description(), "paprika")
}
