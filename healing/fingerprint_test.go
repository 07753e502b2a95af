package healing_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/healing"
)

func TestFingerprintsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	for _, f := range shop() {
		f.Version = healing.Version
		data, err := json.Marshal(f)
		require.NoError(t, err)
		back, err := healing.Parse(data)
		require.NoError(t, err)
		require.Equal(t, f, back)
	}
}

func TestParseRefusesTheFuture(t *testing.T) {
	t.Parallel()
	_, err := healing.Parse([]byte(`{"version": 99}`))
	require.ErrorContains(t, err, "update it, or capture the element again")
	f, err := healing.Parse([]byte(`{"tag": "A", "somethingNew": 1}`))
	require.NoError(t, err)
	require.Equal(t, "a", f.Tag)
	require.Equal(t, healing.Version, f.Version)
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"version":1,"tag":"A","box":{"x":1e300,"y":-1e300,"width":-5,"height":1}}`, `{"text":"` + strings.Repeat("ü", 500) + `"}`,
		`{"xpath":"/html[99999999999999999999]/*[local-name() = \"svg\"][1]//","idPath":"//*[@id='"}`, `{"frame":["","a"],"shadow":["b"],"visible":false}`,
		`{"class":"` + strings.Repeat("aB1-", 200) + `","href":"javascript:void(0)#","id":"\u0000\ud800"}`, `{"role":" ","type":"SUBMIT","label":"日本語のラベル"}`,
	} {
		f.Add([]byte(seed))
	}
	others := shop()
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed, err := healing.Parse(data)
		if err != nil {
			return
		}
		require.Equal(t, parsed, parsed.Bounded(), "bounding twice is bounding once")
		for _, s := range []string{parsed.Text, parsed.Tag, parsed.Class, parsed.Neighbours.Around} {
			require.LessOrEqual(t, len(s), healing.MaxText)
			require.True(t, utf8.ValidString(s))
		}
		page := healing.NewPage(append(append([]healing.Fingerprint{}, others...), parsed))
		ranking := page.Rank(parsed)
		require.NotEmpty(t, page.Decide(parsed, ranking, healing.Careful).Reasons)
		require.Len(t, page.RankTogether([]healing.Fingerprint{others[0], parsed}), 2)
		page.Locators(page.Len() - 1)
		again, err := json.Marshal(parsed)
		require.NoError(t, err)
		back, err := healing.Parse(again)
		require.NoError(t, err)
		require.Equal(t, parsed, back)
	})
}
