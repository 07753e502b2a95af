package e2e_test

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
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

// chain is the names of the spans from one of that name up to the one whose parent this is, once they are there.
func (r *receiver) chain(traceID, name, parentID string) (names []string) {
	spans := r.trace(traceID)
	for _, span := range spans {
		if span.GetName() != name {
			continue
		}
		names = nil
		for span != nil {
			names = append(names, span.GetName())
			if hex.EncodeToString(span.GetParentSpanId()) == parentID {
				return names
			}
			span = spans[string(span.GetParentSpanId())]
		}
	}
	return nil
}

// linked says whether a span of that name has a link to this trace.
func (r *receiver) linked(name, traceID string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, span := range r.spans {
		for _, link := range span.GetLinks() {
			if span.GetName() == name && hex.EncodeToString(link.GetTraceId()) == traceID {
				return true
			}
		}
	}
	return false
}

// count is how many spans of that name a trace has.
func (r *receiver) count(traceID, name string) (n int) {
	for _, span := range r.trace(traceID) {
		if span.GetName() == name {
			n++
		}
	}
	return n
}

// TestARunIsOneTrace follows runs from a client's own span, through the API or a queue of BullMQ's, through workflow and activity to their steps.
func TestARunIsOneTrace(t *testing.T) {
	t.Parallel()
	requirePrograms(t)
	var sink receiver
	server := httptest.NewServer(&sink)
	defer server.Close()
	s, err := startStackIn(t.Context(), []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + server.URL})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })
	execution := []string{"RunActivity:ExecuteAttempt", "StartActivity:ExecuteAttempt", "RunWorkflow:TestExecution", "StartWorkflow:TestExecution"}
	const parentID = "b7ad6b7169203331"
	requireChain := func(traceID, step string, above ...string) {
		t.Helper()
		want := append(append([]string{"step " + step}, execution...), above...)
		var chain []string
		await(t, soon, "the spans of the run", func() bool {
			chain = sink.chain(traceID, want[0], parentID)
			return chain != nil
		})
		require.Equal(t, want, chain)
	}

	const ofRequest = "0af7651916cd43dd8448eb211c80319c"
	body, err := json.Marshal(map[string]any{"case": json.RawMessage(exampleCase(t, "login.json")), "config": map[string]any{"baseUrl": s.Shop}})
	require.NoError(t, err)
	var accepted run
	s.request(t, http.MethodPost, "/api/test-runs", string(body), http.StatusAccepted, &accepted, "Traceparent", "00-"+ofRequest+"-"+parentID+"-01")
	require.Equal(t, "completed", s.awaitEnd(t, accepted.TestRunID, soon).Status)
	requireChain(ofRequest, "navigate", "POST /api/test-runs")

	const ofJob = "4bf92f3577b34da6a3ce929d0e0e4736"
	s.request(t, http.MethodPut, "/api/test-cases/traced", failsSoon, http.StatusCreated, nil)
	id := newRunID()
	client := newClient(t, s.Redis, "bullmq6", "test-execution")
	client.queue(nil, "add", "execute-test", map[string]any{
		"testCaseId": "traced", "testRunId": id, "config": map[string]any{"baseUrl": s.Shop}, "traceparent": "00-" + ofJob + "-" + parentID + "-01",
	}, map[string]any{"attempts": 1})
	await(t, soon, "the run of the job", func() bool { r, err := s.store.Run(t.Context(), id); return err == nil && r.Status == "failed" })
	requireChain(ofJob, "click")

	s.request(t, http.MethodPost, "/api/test-runs/"+id+"/requeue", "", http.StatusAccepted, nil)
	await(t, soon, "the requeued run in the same trace", func() bool { return sink.count(ofJob, "RunWorkflow:TestExecution") == 2 })
	await(t, soon, "the link of the request", func() bool { return sink.linked("POST /api/test-runs/:id/requeue", ofJob) })
}
