package secret_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/secret"
)

// Every resolver passes the same tests.
func TestResolvers(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "PASSWORD"), []byte("pap rika\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(folder), "OUTSIDE"), []byte("no"), 0o600))
	program := filepath.Join(t.TempDir(), "vault")
	script := "#!/bin/sh\n[ \"$1 $2\" = 'read PASSWORD' ] || exit 3\necho 'pap rika'\n"
	require.NoError(t, os.WriteFile(program, []byte(script), 0o700))
	for name, r := range map[string]secret.Resolver{
		"values":  secret.Values{"PASSWORD": "pap rika"},
		"folder":  secret.Folder(folder),
		"command": secret.Command{program, "read"},
		"first":   secret.First{secret.Values{}, secret.Folder(folder)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value, err := r.Resolve(t.Context(), "PASSWORD")
			require.NoError(t, err)
			require.Equal(t, "pap rika", value)
			for _, unknown := range []string{"OTHER", "../OUTSIDE", "", "-h"} {
				_, err = r.Resolve(t.Context(), unknown)
				require.ErrorIs(t, err, secret.ErrUnknown, unknown)
			}
		})
	}
	_, err := secret.Command{"false"}.Resolve(t.Context(), "PASSWORD")
	require.Error(t, err)
	require.NotErrorIs(t, err, secret.ErrUnknown, "asking again may help")
}

func TestValuesDoNotPrintThemselves(t *testing.T) {
	t.Parallel()
	v := secret.Values{"PASSWORD": "paprika"}
	for _, text := range []string{v.String(), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v)} {
		require.NotContains(t, text, "paprika")
	}
}

func TestWhatCanNotBeASecret(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "abc", " a\nb c ", "日本語", "\xff\xfe\xfd\xfc"} {
		err := secret.Check("PIN", value)
		require.ErrorIs(t, err, secret.ErrUnfit, "%q", value)
		require.NotContains(t, err.Error(), "abc")
	}
	require.NoError(t, secret.Check("PIN", "4711"))
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

func TestRedactor(t *testing.T) {
	t.Parallel()
	var r secret.Redactor
	require.True(t, r.Empty())
	require.Equal(t, "as it is", r.Redact("as it is"))
	value := `pa"p & rika/ö`
	r.Add(value)
	r.Add(value + "2026")
	r.Add("")
	require.False(t, r.Empty())
	for _, spelling := range []string{
		value, value + "2026", url.QueryEscape(value), url.PathEscape(value), `pa\"p \u0026 rika/ö`, `pa\"p & rika/ö`, "pa&#34;p &amp; rika/ö",
		base64.StdEncoding.EncodeToString([]byte(value)),
	} {
		require.Equal(t, "<•••>", r.Redact("<"+spelling+">"))
	}
	nested := fmt.Sprintf("%q", mustJSON(t, mustJSON(t, value)))
	require.NotContains(t, r.Redact(nested), "rika")
	require.Equal(t, "it is •••…, or •••… or pa…", r.Redact("it is "+value[:8]+"…, or "+url.QueryEscape(value)[:9]+"… or pa…"))
}
