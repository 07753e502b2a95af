package e2e_test

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver is an OTLP receiver that keeps spans.
type receiver struct {
	mutex sync.Mutex
	spans []*tracepb.Span
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	text, _ := io.ReadAll(request.Body)
	var export collector.ExportTraceServiceRequest
	if request.URL.Path != "/v1/traces" || proto.Unmarshal(text, &export) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, of := range export.GetResourceSpans() {
		for _, scope := range of.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
}

// trace returns the spans of a trace by their ids.
func (r *receiver) trace(id string) map[string]*tracepb.Span {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	found := map[string]*tracepb.Span{}
	for _, span := range r.spans {
		if hex.EncodeToString(span.GetTraceId()) == id {
			found[string(span.GetSpanId())] = span
		}
	}
	return found
}

// TestARunIsOneTrace follows a run from a client's own span through the API, its workflow and activity to its steps.
func TestARunIsOneTrace(t *testing.T) {
	t.Parallel()
	requirePrograms(t)
	var sink receiver
	server := httptest.NewServer(&sink)
	defer server.Close()
	s, err := startStackIn(t.Context(), []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + server.URL})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })

	const traceID, parentID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	body, err := json.Marshal(map[string]any{"case": json.RawMessage(exampleCase(t, "login.json")), "config": map[string]any{"baseUrl": s.Shop}})
	require.NoError(t, err)
	var accepted run
	s.request(t, http.MethodPost, "/api/test-runs", string(body), http.StatusAccepted, &accepted, "Traceparent", "00-"+traceID+"-"+parentID+"-01")
	require.Equal(t, "completed", s.awaitEnd(t, accepted.TestRunID, soon).Status)

	// The chain from the step up to the client: each span's parent is in the trace, too.
	want := []string{"step navigate", "RunActivity:ExecuteAttempt", "StartActivity:ExecuteAttempt", "RunWorkflow:TestExecution", "StartWorkflow:TestExecution", "POST /api/test-runs"}
	var chain []string
	await(t, soon, "the spans of the run", func() bool {
		spans := sink.trace(traceID)
		chain = nil
		for _, span := range spans {
			if span.GetName() != want[0] {
				continue
			}
			for span != nil {
				chain = append(chain, span.GetName())
				if hex.EncodeToString(span.GetParentSpanId()) == parentID {
					return strings.Join(chain, ",") == strings.Join(want, ",")
				}
				span = spans[string(span.GetParentSpanId())]
			}
			return false
		}
		return false
	})
	require.Equal(t, want, chain)
	recorded, err := s.store.Run(t.Context(), accepted.TestRunID)
	require.NoError(t, err)
	require.Equal(t, "completed", string(recorded.Status))
}
