package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	sdkclient "go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// mostPayload is what a payload in a workflow's history may take, and an event beside its payloads.
const mostPayload = 32 << 10

// TestHistoryStaysSmall does what makes histories large. What is too large is found when the stack is closed, as in every
// stack of these tests.
func TestHistoryStaysSmall(t *testing.T) {
	t.Parallel()
	s := ownStack(t)
	client := newClient(t, s.Redis, "bullmq6", "test-execution")
	config := map[string]any{"attempts": 1, "config": map[string]any{"baseUrl": s.Shop, "timeout": 120000}}
	long := strings.Repeat("very ", 300)
	definition := func(title string, steps ...any) string {
		text, err := json.Marshal(map[string]any{
			"title": title, "steps": append([]any{map[string]any{"type": "navigate", "url": "/"}}, steps...),
		})
		require.NoError(t, err)
		return string(text)
	}
	expression := func(js string) any { return map[string]any{"type": "waitForExpression", "expression": js, "timeout": 5000} }
	step := func(name string, parameters map[string]any) any {
		return map[string]any{"type": "customStep", "name": name, "timeout": 5000, "parameters": parameters}
	}
	many := make([]any, 499)
	for i := range many {
		many[i] = expression(fmt.Sprintf("%d >= 0 /* %s */", i, long))
	}
	const megabytes = "'<é>'.repeat(2e6)"

	var runs []run
	for _, d := range []string{
		definition(strings.Repeat("🂡", 500), many...),
		definition("An error of megabytes", expression("(() => { throw new Error("+megabytes+") })()")),
		definition("A text of megabytes", expression("(document.body.textContent = "+megabytes+", true)"),
			step("assertText", map[string]any{"selectors": "body", "text": "short"})),
		definition("A title and an address of megabytes", expression("(document.title = "+megabytes+", history.pushState('', '', '/?' + 'x'.repeat(2e6)), true)"),
			step("assertTitle", map[string]any{"title": "short"})),
		definition("A variable of megabytes", step("extract", map[string]any{"variable": "all", "from": "expression", "expression": megabytes}),
			step("assertText", map[string]any{"selectors": "body", "text": "{{all}}"})),
		definition("A selector of kilobytes", map[string]any{"type": "click", "timeout": 300, "selectors": "#" + strings.Repeat("x", 4000)}),
	} {
		runs = append(runs, s.submit(t, d, config))
	}
	cases := make([]string, 1200)
	for i := range cases {
		cases[i] = fmt.Sprintf(passingCase, fmt.Sprintf("Case %d %s", i, strings.Repeat("🂡", 100)))
	}
	suite := s.submitSuite(t, "/api/suite-runs", map[string]any{"title": strings.Repeat("🂡", 200), "cases": inline(cases...), "parallel": 20}, http.StatusAccepted)

	s.request(t, http.MethodPut, "/api/test-cases/wordy", fmt.Sprintf(passingCase, "Wordy"), http.StatusCreated, nil)
	jobRun := uuid.NewString()
	client.queue(nil, "add", "execute-test", map[string]any{
		"testCaseId": "wordy", "testRunId": jobRun, "userId": strings.Repeat("u", 200), "config": map[string]any{"baseUrl": s.Shop},
		"note": strings.Repeat("n", 200_000),
	}, map[string]any{})

	for _, r := range runs {
		s.awaitEnd(t, r.TestRunID, 3*time.Minute)
	}
	s.request(t, http.MethodPost, "/api/suite-runs/"+suite.SuiteRunID+"/cancel", "", http.StatusAccepted, nil)
	s.awaitSuite(t, suite.SuiteRunID)
	await(t, soon, "the run of the job", func() bool {
		_, err := s.store.Run(t.Context(), jobRun)
		return err == nil
	})
	s.awaitEnd(t, jobRun, soon)
	require.Equal(t, "completed", s.run(t, runs[0].TestRunID).Status)
}

// checkHistories reports what in the histories of a server's workflows is too large.
func checkHistories(ctx context.Context, client sdkclient.Client) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(8)
	var page []byte
	for {
		list, err := client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: 500, NextPageToken: page})
		if err != nil {
			return errors.Join(fmt.Errorf("listing the workflows: %w", err), workers.Wait())
		}
		for _, found := range list.GetExecutions() {
			workers.Go(func() error { return checkHistory(ctx, client, found.GetExecution()) })
		}
		if page = list.GetNextPageToken(); len(page) == 0 {
			return workers.Wait()
		}
	}
}

func checkHistory(ctx context.Context, client sdkclient.Client, execution *commonpb.WorkflowExecution) error {
	events := client.GetWorkflowHistory(ctx, execution.GetWorkflowId(), execution.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return fmt.Errorf("reading the history of %s: %w", execution.GetWorkflowId(), err)
		}
		if err := checkSize(event); err != nil {
			return fmt.Errorf("%s: %w", execution.GetWorkflowId(), err)
		}
	}
	return nil
}

func checkSize(event *historypb.HistoryEvent) error {
	beside := proto.Size(event)
	for p := range payloadsIn(event.ProtoReflect()) {
		size := proto.Size(p)
		if size > mostPayload {
			return fmt.Errorf("event %d, %s, has a payload of %d bytes", event.GetEventId(), event.GetEventType(), size)
		}
		beside -= size
	}
	if beside > mostPayload {
		return fmt.Errorf("event %d, %s, has %d bytes beside its payloads", event.GetEventId(), event.GetEventType(), beside)
	}
	return nil
}

// payloadsIn yields the payloads in a message, however deep.
func payloadsIn(m protoreflect.Message) iter.Seq[*commonpb.Payload] {
	return func(yield func(*commonpb.Payload) bool) { visitPayloads(m, yield) }
}

func visitPayloads(m protoreflect.Message, yield func(*commonpb.Payload) bool) bool {
	if p, ok := m.Interface().(*commonpb.Payload); ok {
		return yield(p)
	}
	goOn := true
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.IsMap() && field.MapValue().Kind() == protoreflect.MessageKind:
			v.Map().Range(func(_ protoreflect.MapKey, inner protoreflect.Value) bool {
				goOn = visitPayloads(inner.Message(), yield)
				return goOn
			})
		case field.IsList() && field.Kind() == protoreflect.MessageKind:
			for i := 0; i < v.List().Len() && goOn; i++ {
				goOn = visitPayloads(v.List().Get(i).Message(), yield)
			}
		case !field.IsMap() && !field.IsList() && field.Kind() == protoreflect.MessageKind:
			goOn = visitPayloads(v.Message(), yield)
		}
		return goOn
	})
	return goOn
}
