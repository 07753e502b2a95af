package api_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/api"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

func TestSchemasArePublic(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][]byte{"/schemas/case.json": testcase.Schema(), "/schemas/suite.json": testcase.SuiteSchema()} {
		recorder := httptest.NewRecorder()
		api.Handler(api.Deps{Log: slog.New(slog.DiscardHandler)}).ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		require.Equal(t, http.StatusOK, recorder.Code)
		require.Equal(t, "application/schema+json", recorder.Header().Get("Content-Type"))
		body, err := io.ReadAll(recorder.Body)
		require.NoError(t, err)
		require.Equal(t, string(want), string(body))
	}
}
