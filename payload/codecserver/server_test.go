package codecserver_test

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/payload"
	"github.com/cinnamon-qa/cinnamon/payload/codecserver"
)

const (
	ui    = "http://ui.example:8233"
	token = "paprika-paprika-paprika"
)

func keys(ids ...string) string {
	var list []string
	for _, id := range ids {
		list = append(list, id+":"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat(id, 32)[:32])))
	}
	return strings.Join(list, ",")
}

// serve runs the role on a free port, and returns its address.
func serve(t *testing.T, settings ...string) string {
	t.Helper()
	cfg, err := config.Load(append([]string{"CODEC_ADDR=127.0.0.1:0", "TEMPORAL_UI_URL=" + ui + "/path", "TEMPORAL_PAYLOAD_KEYS=" + keys("b", "a")}, settings...))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- codecserver.Run(ctx, cfg, slog.New(slog.DiscardHandler), func(addr string) { ready <- addr })
	}()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	select {
	case addr := <-ready:
		return "http://" + addr
	case err := <-ended:
		ended <- nil
		require.NoError(t, err)
	}
	return ""
}

func sealed(t *testing.T, ids ...string) string {
	t.Helper()
	list, err := payload.ParseKeys(keys(ids...))
	require.NoError(t, err)
	c, err := payload.NewCodec("default", list)
	require.NoError(t, err)
	payloads, err := payload.Converter(c).ToPayloads("nutmeg")
	require.NoError(t, err)
	text, err := protojson.Marshal(payloads)
	require.NoError(t, err)
	return string(text)
}

type answer struct {
	status int
	header http.Header
	body   string
}

func ask(t *testing.T, method, url, body string, header ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{res.StatusCode, res.Header, string(text)}
}

func TestDecodesForTheWebUI(t *testing.T) {
	t.Parallel()
	base := serve(t)
	preflight := ask(t, http.MethodOptions, base+"/decode?preserveStorageRefs=true", "", "Origin", ui,
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type,x-namespace", "Access-Control-Request-Private-Network", "true")
	require.Equal(t, http.StatusNoContent, preflight.status)
	require.Equal(t, ui, preflight.header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, preflight.header.Get("Access-Control-Allow-Headers"), "X-Namespace")
	require.Equal(t, "true", preflight.header.Get("Access-Control-Allow-Private-Network"))

	for _, id := range []string{"a", "b"} {
		got := ask(t, http.MethodPost, base+"/decode?preserveStorageRefs=true", sealed(t, id), "Origin", ui, "X-Namespace", "default")
		require.Equal(t, http.StatusOK, got.status, got.body)
		require.Equal(t, ui, got.header.Get("Access-Control-Allow-Origin"))
		var payloads commonpb.Payloads
		require.NoError(t, protojson.Unmarshal([]byte(got.body), &payloads))
		var value string
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(&payloads, &value))
		require.Equal(t, "nutmeg", value)
	}
	lacking := ask(t, http.MethodPost, base+"/decode", sealed(t, "gone"))
	require.Equal(t, http.StatusBadRequest, lacking.status)
	require.Contains(t, lacking.body, `sealed with key "gone", here are b, a`)
	require.Equal(t, http.StatusOK, ask(t, http.MethodGet, base+"/healthz", "").status)
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	base := serve(t)
	body := sealed(t, "a")
	for name, test := range map[string]struct {
		status int
		got    answer
	}{
		"a page of another site":    {http.StatusForbidden, ask(t, http.MethodPost, base+"/decode", body, "Origin", "http://evil.example")},
		"its preflight":             {http.StatusForbidden, ask(t, http.MethodOptions, base+"/decode", "", "Origin", "http://evil.example")},
		"a page without an origin":  {http.StatusForbidden, ask(t, http.MethodPost, base+"/decode", body, "Origin", "null")},
		"the UI's on another port":  {http.StatusForbidden, ask(t, http.MethodPost, base+"/decode", body, "Origin", "http://ui.example")},
		"a name led here":           {http.StatusForbidden, ask(t, http.MethodPost, base+"/decode", body, "Host", "evil.example:80")},
		"a name that only looks so": {http.StatusForbidden, ask(t, http.MethodPost, base+"/decode", body, "Host", "127.0.0.1.evil.example")},
		"sealing":                   {http.StatusNotFound, ask(t, http.MethodPost, base+"/encode", body)},
		"reading":                   {http.StatusMethodNotAllowed, ask(t, http.MethodGet, base+"/decode", "")},
		"no payloads":               {http.StatusBadRequest, ask(t, http.MethodPost, base+"/decode", "nutmeg")},
		"too much":                  {http.StatusRequestEntityTooLarge, ask(t, http.MethodPost, base+"/decode", strings.Repeat(" ", 9<<20))},
	} {
		require.Equal(t, test.status, test.got.status, name)
		require.NotContains(t, test.got.header.Get("Access-Control-Allow-Origin"), "evil", name)
		require.NotContains(t, test.got.body, "nutmeg", name)
	}
	for _, host := range []string{"localhost", "LOCALHOST:9", "[::1]:9", "127.0.0.9"} {
		require.Equal(t, http.StatusOK, ask(t, http.MethodPost, base+"/decode", body, "Host", host).status, host)
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	base := serve(t, "CODEC_ADDR=0.0.0.0:0", "CODEC_TOKEN="+token, "CODEC_ENCODE=true")
	body := sealed(t, "a")
	require.Equal(t, http.StatusUnauthorized, ask(t, http.MethodPost, base+"/decode", body).status)
	require.Equal(t, http.StatusUnauthorized, ask(t, http.MethodPost, base+"/wrong/decode", body).status)
	require.Equal(t, http.StatusUnauthorized, ask(t, http.MethodPost, base+"/decode", body, "Authorization", "Bearer wrong").status)
	require.Equal(t, http.StatusForbidden, ask(t, http.MethodPost, base+"/"+token+"/decode", body, "Origin", "http://evil.example").status)
	// By any name: a page that was led here does not know the token.
	require.Equal(t, http.StatusOK, ask(t, http.MethodPost, base+"/"+token+"/decode", body, "Host", "codec.example").status)
	require.Equal(t, http.StatusOK, ask(t, http.MethodPost, base+"/decode", body, "Authorization", "Bearer "+token).status)
	encoded := ask(t, http.MethodPost, base+"/"+token+"/encode", `{"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "IngiCg=="}]}`)
	require.Equal(t, http.StatusOK, encoded.status, encoded.body)
	require.Contains(t, encoded.body, base64.StdEncoding.EncodeToString([]byte(payload.Encoding)))
}

func TestDoesNotStart(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		"CODEC_ADDR=127.0.0.1:0":                                  "TEMPORAL_PAYLOAD_KEYS is not set",
		"CODEC_ADDR=0.0.0.0:0 TEMPORAL_PAYLOAD_KEYS=" + keys("a"): "CODEC_TOKEN is needed",
		"CODEC_ADDR=:0 TEMPORAL_PAYLOAD_KEYS=" + keys("a"):        "CODEC_TOKEN is needed",
	} {
		cfg, err := config.Load(strings.Fields(settings))
		require.NoError(t, err)
		err = codecserver.Run(t.Context(), cfg, slog.New(slog.DiscardHandler), func(string) {})
		require.ErrorContains(t, err, want)
	}
}
