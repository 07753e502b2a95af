package api_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// quarantine keeps what is put in it.
type quarantine struct{ cases map[string]store.Quarantined }

func (q *quarantine) PutInQuarantine(_ context.Context, c store.Quarantined, now time.Time) (bool, error) {
	_, there := q.cases[c.TestCaseID]
	c.Since, c.Passed = now, 1
	q.cases[c.TestCaseID] = c
	return !there, nil
}

func (q *quarantine) LeaveQuarantine(ctx context.Context, id string, _ time.Time) error {
	_, err := q.InQuarantine(ctx, id)
	delete(q.cases, id)
	return err
}

func (q *quarantine) InQuarantine(_ context.Context, id string) (store.Quarantined, error) {
	c, there := q.cases[id]
	if !there {
		return c, fault.New(fault.NotFound, "test case %q is not in quarantine", id)
	}
	return c, nil
}

func (q *quarantine) Quarantine(context.Context, string, int) ([]store.Quarantined, error) {
	var list []store.Quarantined
	for _, c := range q.cases {
		list = append(list, c)
	}
	return list, nil
}

func TestQuarantine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const path = "/api/test-cases/login/quarantine"
	code, _ := b.send(t, http.MethodGet, path, "")
	require.Equal(t, http.StatusNotFound, code)
	code, _ = b.send(t, http.MethodPut, path, `{"by": " ada ", "reason": "times out on Mondays"}`)
	require.Equal(t, http.StatusCreated, code)
	code, _ = b.send(t, http.MethodPut, path, `{"by": "bob", "reason": "times out", "passes": 3}`)
	require.Equal(t, http.StatusOK, code)
	var one map[string]any
	b.read(t, http.MethodGet, path, "", &one)
	require.Equal(t, []any{"login", "times out", "bob", 3.0, 1.0}, []any{one["testCaseId"], one["reason"], one["by"], one["passes"], one["passed"]})
	var list struct {
		Items []map[string]any `json:"items"`
	}
	b.read(t, http.MethodGet, "/api/quarantine", "", &list)
	require.Equal(t, one, list.Items[0])

	for body, field := range map[string]string{
		`{"by": "ada"}`: "reason", `{"reason": "x"}`: "by", `{"reason": "x", "by": "learning"}`: "by", `{"reason": "x", "by": "ada", "passes": 0}`: "passes",
	} {
		code, p := b.send(t, http.MethodPut, path, body)
		require.Equal(t, http.StatusUnprocessableEntity, code, body)
		require.Equal(t, field, p.Errors[0].Field)
	}
	code, _ = b.send(t, http.MethodPut, "/api/test-cases/gone/quarantine", `{"by": "ada", "reason": "x"}`)
	require.Equal(t, http.StatusNotFound, code)
	code, _ = b.send(t, http.MethodPut, "/api/test-cases/inline-gone/quarantine", `{"by": "ada", "reason": "x"}`)
	require.Equal(t, http.StatusCreated, code, "its file has it")
	code, _ = b.send(t, http.MethodDelete, path, "")
	require.Equal(t, http.StatusNoContent, code)
	code, _ = b.send(t, http.MethodDelete, path, "")
	require.Equal(t, http.StatusNotFound, code)
}
