package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// TestQuarantine: a case in quarantine neither fails its suite nor stops it at its first failure, and one that passes leaves.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	s := sharedStack(t)
	mark := uuid.NewString()[:8]
	fails := strings.Replace(failsSoon, "a unicorn, once", "unicorn "+mark, 1)
	passes := fmt.Sprintf(passingCase, "Home "+mark)
	quarantine := func(id string) string { return "/api/test-cases/" + id + "/quarantine" }
	put := func(id string, passes int) {
		t.Helper()
		body := fmt.Sprintf(`{"by": "ada", "reason": "flaky", "passes": %d}`, passes)
		s.request(t, http.MethodPut, quarantine(id), body, http.StatusCreated, nil)
	}
	put("inline-asks-for-unicorn-"+mark, 3)
	put("inline-home-"+mark, 1)

	accepted := s.submitSuite(t, "/api/suite-runs", map[string]any{
		"title": "Quarantined", "cases": inline(fails, passes), "parallel": 1, "failFast": true, "attempts": 1,
	}, http.StatusAccepted)
	ended := s.awaitSuite(t, accepted.SuiteRunID)
	require.Equal(t, "completed", ended.Status, ended.Error)
	require.Equal(t, []int{1, 1, 1}, []int{ended.Counts["completed"], ended.Counts["failed"], ended.Counts["quarantined"]})
	s.requireReplay(t, "SuiteExecution-quarantine", "suite/"+accepted.SuiteRunID)

	var left struct{ Passed, Runs, Failed int }
	s.request(t, http.MethodGet, quarantine("inline-asks-for-unicorn-"+mark), "", http.StatusOK, &left)
	require.Equal(t, struct{ Passed, Runs, Failed int }{0, 1, 1}, left)
	s.request(t, http.MethodGet, quarantine("inline-home-"+mark), "", http.StatusNotFound, nil)
}
