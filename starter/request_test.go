package starter_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/starter"
)

func TestPriorityIsAWordOrANumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]starter.Priority{
		`"low"`: 1, `"normal"`: 5, `"HIGH"`: 10, `"urgent"`: 20, `7`: 7, `"12"`: 12, `0`: 0, `""`: 0,
	} {
		var r starter.Request
		require.NoError(t, json.Unmarshal([]byte(`{"priority": `+text+`}`), &r), text)
		require.Equal(t, want, r.Priority, text)
	}
	for _, text := range []string{`"asap"`, `1.5`, `{}`, `[1]`, `true`} {
		var r starter.Request
		err := json.Unmarshal([]byte(`{"priority": `+text+`}`), &r)
		require.Equal(t, fault.Invalid, fault.Of(err), text)
	}
}

func TestProblemsOfACaseNameTheirPlace(t *testing.T) {
	t.Parallel()
	_, err := starter.ParseCase("case", json.RawMessage(`{"title": "x", "steps": [{"type": "navigate", "url": "/"}, {"type": "click"}]}`))
	require.Equal(t, fault.Invalid, fault.Of(err))
	coded, ok := errors.AsType[*fault.Error](err)
	require.True(t, ok)
	require.Equal(t, "case.steps[1].selectors", coded.Fields[0].Field)
	require.NotEmpty(t, coded.Fields[0].Message)
}
