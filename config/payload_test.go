package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/config"
)

// payloadKey is 32 bytes of which nothing may show.
const payloadKey = "cGFwcmlrYXBhcHJpa2FwYXByaWthcGFwcmlrYTMyYnk="

func TestPayloadKeys(t *testing.T) {
	t.Parallel()
	c, err := config.Load([]string{"TEMPORAL_PAYLOAD_KEYS=a:" + payloadKey})
	require.NoError(t, err)
	require.NoError(t, c.RequirePayloadKeys())
	shown, err := json.Marshal(c)
	require.NoError(t, err)
	for _, text := range []string{string(shown), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c)} {
		require.NotContains(t, text, payloadKey[:20])
	}
	none, err := config.Load(nil)
	require.NoError(t, err)
	require.ErrorContains(t, none.RequirePayloadKeys(), "TEMPORAL_PAYLOAD_KEYS is not set")

	file := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(file, []byte("a:"+payloadKey+"\n"), 0o600))
	fromFile, err := config.Load([]string{"TEMPORAL_PAYLOAD_KEYS_FILE=" + file})
	require.NoError(t, err)
	require.NoError(t, fromFile.RequirePayloadKeys())
}

func TestPayloadKeysThatCanNotBe(t *testing.T) {
	t.Parallel()
	empty, large := filepath.Join(t.TempDir(), "empty"), filepath.Join(t.TempDir(), "large")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	require.NoError(t, os.WriteFile(large, []byte(strings.Repeat("x", 65<<10)), 0o600))
	for settings, want := range map[string]string{
		"TEMPORAL_PAYLOAD_KEYS=a:" + payloadKey + "|TEMPORAL_PAYLOAD_KEYS_FILE=" + empty: "both set",
		"TEMPORAL_PAYLOAD_KEYS=a:" + payloadKey[:20]:                                     "TEMPORAL_PAYLOAD_KEYS: entry 1: key a has 15 bytes",
		"TEMPORAL_PAYLOAD_KEYS_FILE=" + empty:                                            "there is no key in",
		"TEMPORAL_PAYLOAD_KEYS_FILE=" + large:                                            "more than",
		"TEMPORAL_PAYLOAD_KEYS_FILE=/nowhere/keys":                                       "reading TEMPORAL_PAYLOAD_KEYS_FILE",
		"CODEC_TOKEN=short":                                                              "CODEC_TOKEN must be 16 to 128",
		"CODEC_TOKEN=with/a/slash/in/it/it":                                              "CODEC_TOKEN must be 16 to 128",
		"CODEC_ADDR=8234":                                                                "CODEC_ADDR is \"8234\"",
	} {
		_, err := config.Load(strings.Split(settings, "|"))
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), payloadKey[:16])
	}
}
