package testsite_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/testsite"
)

func TestLab(t *testing.T) {
	t.Parallel()
	b := open(t, testsite.Options{}).browser()
	for path, title := range map[string]string{
		"/lab/": "Lab", "/lab/?x=1": "Lab", "/lab/frames": "Frames", "/lab/nest": "Nest", "/lab/deep": "Deep", "/lab/frame?n=1": "Frame", "/lab/tab": "Tab", "/lab/self": "Self",
	} {
		page := b.get(path)
		require.Equal(t, http.StatusOK, page.status, path)
		require.Contains(t, page.body, "<title>"+title+"</title>", path)
	}
	require.Contains(t, b.get("/lab/lab.js").header.Get("Content-Type"), "javascript")
	require.Equal(t, http.StatusNotFound, b.get("/lab/nothing").status)

	echo := b.do(http.MethodPost, "/lab/echo?status=201&size=10", "text/plain", strings.NewReader("hello"))
	require.Equal(t, http.StatusCreated, echo.status)
	require.Contains(t, echo.body, `"body":"hello"`)
	require.Contains(t, echo.body, `".........."`)

	require.Equal(t, http.StatusUnauthorized, b.get("/lab/private").status)
	require.Contains(t, b.get("/lab/download").header.Get("Content-Disposition"), "report-2026.csv")
}
