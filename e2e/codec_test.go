package e2e_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/cinnamon-qa/cinnamon/payload"
)

// TestTemporalStoresNothingInClear runs a case in a system with keys, and reads the history as the server has it.
func TestTemporalStoresNothingInClear(t *testing.T) {
	t.Parallel()
	requirePrograms(t)
	key := func(id, of string) string {
		return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(of, 32)))
	}
	s, err := startStackIn(t.Context(), []string{"TEMPORAL_PAYLOAD_KEYS=" + key("new", "n") + "," + key("old", "o")}, "--without", "worker")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })
	accepted := s.submit(t, failingCase, map[string]any{"attempts": 1})

	// A worker whose keys were not replaced yet finishes the run: it has the new one, too.
	worker, err := start(os.Getenv("CINNAMON_BIN"), []string{"worker"}, append(s.environment(), "TEMPORAL_PAYLOAD_KEYS="+key("old", "o")+","+key("new", "n"))...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, worker.stop(soon)) })
	require.Equal(t, "failed", s.awaitEnd(t, accepted.TestRunID, 2*soon).Status)

	var sealed commonpb.Payloads
	used := map[string]bool{}
	for _, event := range s.history(t, "test-execution/"+accepted.TestRunID).GetEvents() {
		text, err := protojson.Marshal(event)
		require.NoError(t, err)
		require.NotContains(t, string(text), "Unicorns")
		for p := range payloadsIn(event.ProtoReflect()) {
			// The id, which an inline case without one has from its title, is a search attribute.
			require.NotContains(t, string(p.GetData()), "Unicorns", event.GetEventType())
			require.NotContains(t, string(p.GetData()), "Asks for a unicorn", event.GetEventType())
			if string(p.GetMetadata()["encoding"]) == payload.Encoding {
				used[string(p.GetMetadata()[payload.KeyID])] = true
				sealed.Payloads = append(sealed.Payloads, p)
			}
		}
	}
	require.Equal(t, map[string]bool{"new": true, "old": true}, used)

	// The endpoint of the Web UI opens all of them.
	body, err := protojson.Marshal(&sealed)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Codec+"/decode", strings.NewReader(string(body)))
	require.NoError(t, err)
	r.Header.Set("Origin", s.TemporalUI)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, string(text))
	require.Equal(t, s.TemporalUI, answer.Header.Get("Access-Control-Allow-Origin"))
	var opened commonpb.Payloads
	require.NoError(t, protojson.Unmarshal(text, &opened))
	var all strings.Builder
	for _, p := range opened.GetPayloads() {
		all.Write(p.GetData())
	}
	require.Contains(t, all.String(), "Asks for a unicorn")
	require.Contains(t, all.String(), "Unicorns", "the table of steps")
}
