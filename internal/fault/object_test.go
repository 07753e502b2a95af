package fault_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

func TestReadObject(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``: "", ` null `: "", `{}`: "", `{"days": 3}`: "",
		`[1]`:           `it must be an object, such as {"days": 1}`,
		`"days"`:        `it must be an object, such as {"days": 1}`,
		`{"days": "x"}`: "it can't be understood: days must be a int, not a string",
		`{"day": 3}`:    `it can't be understood: json: unknown field "day"; it may have days`,
		`{} {}`:         "it can't be understood: something follows the object",
	} {
		var into struct {
			Days int `json:"days"`
		}
		err := fault.ReadObject(json.RawMessage(text), &into, "it", `{"days": 1}`, "days")
		if want == "" {
			require.NoError(t, err, text)
			continue
		}
		require.EqualError(t, err, want)
		require.Equal(t, fault.Invalid, fault.Of(err))
	}
}
