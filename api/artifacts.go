package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/store"
)

// artifactResource is a file of a run as clients see it.
type artifactResource struct {
	ID          string        `json:"id"`
	Kind        artifact.Kind `json:"kind"`
	Attempt     int           `json:"attempt"`
	Step        int           `json:"step,omitempty"`
	ContentType string        `json:"contentType"`
	Bytes       int64         `json:"bytes"`
	SHA256      string        `json:"sha256,omitempty"`
	Note        string        `json:"note,omitempty"`
	CreatedAt   time.Time     `json:"createdAt"`
	// Download opens the file without the key, for as long as linkLife; empty if there is no file.
	Download string `json:"download,omitempty"`
	// Viewer opens a trace in Playwright's trace viewer.
	Viewer string `json:"viewer,omitempty"`
}

func (h *handlers) listArtifacts(c *gin.Context) {
	id := c.Param("id")
	if _, err := h.Store.Run(c.Request.Context(), id); err != nil {
		fail(c, h.Log, err)
		return
	}
	kept, err := h.Store.Artifacts(c.Request.Context(), id)
	if err != nil {
		fail(c, h.Log, err)
		return
	}
	list(c, kept, h.artifact)
}

func (h *handlers) artifact(a store.Artifact) artifactResource {
	r := artifactResource{
		ID: a.ID, Kind: a.Kind, Attempt: a.Attempt, Step: a.StepNumber, ContentType: a.ContentType, Bytes: a.Bytes,
		SHA256: a.SHA256, Note: a.Note, CreatedAt: a.CreatedAt,
	}
	if a.Path == "" {
		return r
	}
	r.Download = h.links.open(h.addresses.artifact(a.RunID, a.ID), a.RunID, a.ID, time.Now())
	if a.Kind == artifact.Trace && h.TraceViewer != nil {
		r.Viewer = h.addresses.viewer(r.Download)
	}
	return r
}

// getArtifact serves a file, or a part of it. What a page wrote must not run as a page of ours: browsers treat it as one
// of a site that is nobody's, without scripts and without anything from elsewhere.
func (h *handlers) getArtifact(c *gin.Context) {
	id, err := uuid.Parse(c.Param("artifact"))
	if err != nil {
		fail(c, h.Log, fault.New(fault.NotFound, "test run %q has no artifact %q", c.Param("id"), c.Param("artifact")))
		return
	}
	a, err := h.Store.Artifact(c.Request.Context(), c.Param("id"), id.String())
	switch {
	case err != nil:
		fail(c, h.Log, err)
		return
	case a.Path == "":
		fail(c, h.Log, fault.New(fault.NotFound, "artifact %q has no file: %s", a.ID, a.Note))
		return
	}
	file, err := h.Artifacts.Open(c.Request.Context(), a.Path)
	if err != nil {
		h.Log.WarnContext(c.Request.Context(), "an artifact's file is not to be had", "path", a.Path, "error", err)
		if errors.Is(err, artifact.ErrNotFound) {
			err = fault.New(fault.NotFound, "the file of artifact %q is gone", a.ID)
		} else {
			err = fault.Wrap(fault.Unavailable, err, "the artifact store does not answer")
		}
		fail(c, h.Log, err)
		return
	}
	defer func() { _ = file.Close() }()
	// A large file to a slow client takes longer than an answer may take otherwise.
	_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(downloadWithin))
	c.Header("Content-Type", a.ContentType)
	c.Header("Content-Disposition", fmt.Sprintf("%s; filename=%q", disposition(a.Kind), fileName(a)))
	c.Header("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self'")
	c.Header("Cross-Origin-Resource-Policy", "same-origin")
	c.Header("Referrer-Policy", "no-referrer")
	c.Header("Cache-Control", "private, max-age=31536000, immutable")
	c.Header("ETag", `"`+a.SHA256+`"`)
	http.ServeContent(c.Writer, c.Request, "", file.ModTime(), file)
}

const downloadWithin = 30 * time.Minute

func disposition(kind artifact.Kind) string {
	if kind == artifact.Trace || kind == artifact.HAR {
		return "attachment"
	}
	return "inline"
}

// fileName is what a browser saves the file as. All of it is made here: ids have no quotes.
func fileName(a store.Artifact) string {
	if a.StepNumber > 0 {
		return fmt.Sprintf("%s-attempt-%d-step-%d%s", a.RunID, a.Attempt, a.StepNumber, a.Kind.Extension())
	}
	return fmt.Sprintf("%s-attempt-%d-%s%s", a.RunID, a.Attempt, a.Kind, a.Kind.Extension())
}
