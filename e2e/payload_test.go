package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// mostPayload is how many bytes one payload of a history may have, and what a failure says.
const mostPayload = 32 << 10

// checkPayloads looks at the histories of all workflows, also of those that still run, and names each payload that is too
// large.
func (s *stack) checkPayloads() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) //nolint:forbidigo // the last stack is closed after all tests
	defer cancel()
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	var mu sync.Mutex
	var tooLarge []error
	workflows := 0
	list := &workflowservice.ListWorkflowExecutionsRequest{PageSize: 500}
	for {
		page, err := s.client.ListWorkflow(ctx, list)
		if err != nil {
			return errors.Join(fmt.Errorf("listing the workflows: %w", err), group.Wait())
		}
		for _, info := range page.GetExecutions() {
			workflows++
			group.Go(func() error {
				_, err := s.largestPayload(ctx, info.GetExecution())
				if large, ok := errors.AsType[*tooLargeError](err); ok {
					mu.Lock()
					defer mu.Unlock()
					tooLarge = append(tooLarge, large)
					return nil
				}
				return err
			})
		}
		if list.NextPageToken = page.GetNextPageToken(); len(list.NextPageToken) == 0 {
			break
		}
	}
	err := group.Wait()
	fmt.Fprintf(os.Stderr, "looked at the payloads of %d workflows in %s\n", workflows, time.Since(began).Round(time.Millisecond))
	return errors.Join(append(tooLarge, err)...)
}

// tooLargeError names the events of a workflow with too large payloads.
type tooLargeError struct {
	workflow string
	events   []string
}

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("workflow %s has payloads above %d bytes: %s", e.workflow, mostPayload, strings.Join(e.events, ", "))
}

// largestPayload is the size of the largest payload in a history.
func (s *stack) largestPayload(ctx context.Context, execution *commonpb.WorkflowExecution) (int, error) {
	tooLarge := &tooLargeError{workflow: execution.GetWorkflowId()}
	largest := 0
	events := s.client.GetWorkflowHistory(ctx, execution.GetWorkflowId(), execution.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return largest, fmt.Errorf("reading the history of %s: %w", execution.GetWorkflowId(), err)
		}
		for m := range messagesIn(event.ProtoReflect()) {
			size := 0
			switch m := m.(type) {
			case *commonpb.Payload:
				size = proto.Size(m)
			case *failurepb.Failure:
				size = len(m.GetMessage()) + len(m.GetStackTrace())
			}
			largest = max(largest, size)
			if size > mostPayload {
				tooLarge.events = append(tooLarge.events, fmt.Sprintf("%d %s (%d)", event.GetEventId(), event.GetEventType(), size))
			}
		}
	}
	if len(tooLarge.events) > 0 {
		return largest, tooLarge
	}
	return largest, nil
}

// payloadsIn yields the payloads in a message, however deep.
func payloadsIn(m protoreflect.Message) iter.Seq[*commonpb.Payload] {
	return func(yield func(*commonpb.Payload) bool) {
		for inner := range messagesIn(m) {
			if p, ok := inner.(*commonpb.Payload); ok && !yield(p) {
				return
			}
		}
	}
}

// messagesIn yields a message and those in it, however deep.
func messagesIn(m protoreflect.Message) iter.Seq[proto.Message] {
	return func(yield func(proto.Message) bool) { visitMessages(m, yield) }
}

func visitMessages(m protoreflect.Message, yield func(proto.Message) bool) bool {
	goOn := yield(m.Interface())
	if !goOn {
		return false
	}
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.IsMap() && field.MapValue().Kind() == protoreflect.MessageKind:
			v.Map().Range(func(_ protoreflect.MapKey, inner protoreflect.Value) bool {
				goOn = visitMessages(inner.Message(), yield)
				return goOn
			})
		case field.IsList() && field.Kind() == protoreflect.MessageKind:
			for i := 0; i < v.List().Len() && goOn; i++ {
				goOn = visitMessages(v.List().Get(i).Message(), yield)
			}
		case !field.IsMap() && !field.IsList() && field.Kind() == protoreflect.MessageKind:
			goOn = visitMessages(v.Message(), yield)
		}
		return goOn
	})
	return goOn
}

// hugeSite has a page whose text is megabytes of what grows when it is encoded.
func hugeSite(t *testing.T) string {
	t.Helper()
	page := "<!doctype html><meta charset=utf-8><title>huge</title><p id=huge style=display:none>" + strings.Repeat("&lt;&amp;\x01\"\\🙂", 100_000)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(page)) }))
	t.Cleanup(site.Close)
	return site.URL
}

// TestPayloadsStaySmall runs what is as large as it may be, and what pages make larger, and looks at the histories.
func TestPayloadsStaySmall(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	site, began := hugeSite(t), time.Now()
	title := strings.Repeat("🙂", 500)
	fields := map[string]any{"attempts": 1, "config": map[string]any{"baseUrl": site, "artifacts": map[string]string{"dom": "off"}}, "userId": strings.Repeat("u", 100)}
	throws := map[string]any{"type": "waitForExpression", "timeout": 2000, "expression": `(() => { throw new Error('\u0001🙂<'.repeat(3e5)) })()`}

	many := make([]map[string]any, 0, 498)
	for range cap(many) {
		many = append(many, map[string]any{"type": "waitForExpression", "expression": "'" + strings.Repeat(`<"🙂`, 100) + "' !== ''"})
	}
	compared := customStep("assertText", map[string]any{"selectors": []string{"#huge"}, "text": "something small"})
	extracted := []map[string]any{
		customStep("extract", map[string]any{"variable": "huge", "selectors": []string{"#huge"}, "from": "text"}),
		{"type": "waitForExpression", "timeout": 2000, "expression": "{{huge}} === 1"},
	}
	compared["timeout"] = 2000
	runs := map[string]run{}
	for name, steps := range map[string][]map[string]any{
		"many steps": append(many, throws), "throws": {throws}, "text": {compared}, "extracted": extracted,
	} {
		runs[name] = s.submit(t, canaryCase(t, title, steps...), fields)
	}

	id := "huge-" + uuid.NewString()[:8]
	s.request(t, http.MethodPut, "/api/test-cases/"+id, canaryCase(t, title, throws), http.StatusCreated, nil)
	cases := make([]map[string]any, 1000)
	for i := range cases {
		cases[i] = map[string]any{"testCaseId": id}
	}
	suite := s.submitSuite(t, "/api/suite-runs", map[string]any{
		"title": strings.Repeat("🙂", 200), "cases": cases, "parallel": 1, "failFast": true, "attempts": 1,
	}, http.StatusAccepted)

	producer := newClient(t, s.Redis, "bullmq6", "test-execution")
	var accepted, refused jobSeen
	jobRun := newRunID()
	data := map[string]any{"testCaseId": id, "testRunId": jobRun, "config": fields["config"], "more": strings.Repeat("x", 200<<10)}
	producer.queue(&accepted, "add", "execute-test", data, map[string]any{})
	data = map[string]any{"testCaseId": id, "testRunId": newRunID(), "more": strings.Repeat("x", 2<<20)}
	producer.queue(&refused, "add", "execute-test", data, map[string]any{})

	for name, r := range runs {
		ended := s.awaitEnd(t, r.TestRunID, 2*time.Minute)
		require.Equal(t, "failed", ended.Status, name)
		require.NotContains(t, ended.Error, "did not load", name)
		if name != "many steps" { // each quotes a page, and was cut
			require.Contains(t, ended.Error, "🙂", name)
			require.Contains(t, ended.Error, "…", name)
			require.Less(t, len(ended.Error), 8<<10, name)
		}
		t.Log(name, ended.TotalSteps, ended.Error, time.Since(began).Round(time.Millisecond))
	}
	require.Equal(t, "failed", s.awaitSuite(t, suite.SuiteRunID).Status)
	await(t, time.Minute, "the producer's job", func() bool { _, err := s.store.Run(t.Context(), jobRun); return err == nil })
	require.Equal(t, "failed", s.awaitEnd(t, jobRun, time.Minute).Status)
	t.Log("the job of 2 MiB is", producer.state(refused.ID), time.Since(began).Round(time.Millisecond))

	ids := []string{"suite/" + suite.SuiteRunID, "test-execution/" + jobRun}
	for _, r := range runs {
		ids = append(ids, "test-execution/"+r.TestRunID)
	}
	largest := 0
	for _, id := range ids {
		size, err := s.largestPayload(t.Context(), &commonpb.WorkflowExecution{WorkflowId: id})
		require.NoError(t, err)
		t.Log(id, size)
		largest = max(largest, size)
	}
	require.Greater(t, largest, mostPayload/2, "nothing was large")
}
