package api

import (
	"io/fs"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// viewerPolicy keeps the trace viewer to what comes from here: it must show no trace of another site, and send nothing to
// one. Pictures within traces are blobs.
const viewerPolicy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self' blob: data:; " +
	"style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; font-src 'self' data:; media-src 'self' blob:; " +
	"frame-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// viewer serves Playwright's trace viewer. It holds no secrets: a trace is opened by its own link.
func viewer(files fs.FS) gin.HandlerFunc {
	if files == nil {
		return func(c *gin.Context) {
			answer(c, problem{
				Status: http.StatusNotFound, Code: fault.NotFound,
				Detail: "the trace viewer comes with Playwright's driver, which is not installed where the API runs: run cinnamon browser install there",
			})
		}
	}
	served := http.StripPrefix("/trace", http.FileServerFS(files))
	return func(c *gin.Context) {
		c.Header("Content-Security-Policy", viewerPolicy)
		c.Header("Referrer-Policy", "no-referrer")
		c.Header("Cross-Origin-Opener-Policy", "same-origin")
		c.Header("Cache-Control", "no-cache") // a new driver brings a new viewer
		served.ServeHTTP(c.Writer, c.Request)
	}
}
