package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	requestTimeout   = 10 * time.Second
	maxResponseBytes = 32 << 20 // fifty runs, or the steps of one
	maxConnections   = 8
)

// client speaks to the API.
type client struct {
	baseURL string
	key     string
	http    *http.Client
	// reached says that the API has answered well before: from then on an outage is worth waiting for.
	reached atomic.Bool
}

func newClient(baseURL, key string) *client {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		MaxIdleConnsPerHost:   maxConnections,
		MaxConnsPerHost:       2 * maxConnections,
		IdleConnTimeout:       30 * time.Second,
		ResponseHeaderTimeout: requestTimeout,
		ForceAttemptHTTP2:     true,
	}
	return &client{baseURL: baseURL, key: key, http: &http.Client{Transport: transport, Timeout: requestTimeout}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

func (c *client) start(ctx context.Context, body []byte, idempotencyKey string) (accepted, error) {
	var answer accepted
	err := c.call(ctx, http.MethodPost, "/api/test-runs", body, idempotencyKey, &answer)
	if err == nil && answer.TestRunID == "" {
		err = c.notOurs("its answer to a start names no run")
	}
	return answer, err
}

func (c *client) startBatch(ctx context.Context, body []byte) ([]batchItem, error) {
	return sent[batchItem](ctx, c, "/api/test-runs/batch", body)
}

func (c *client) startSuite(ctx context.Context, path string, body []byte, idempotencyKey string) (acceptedSuite, error) {
	var answer acceptedSuite
	err := c.call(ctx, http.MethodPost, path, body, idempotencyKey, &answer)
	if err == nil && answer.SuiteRunID == "" {
		err = c.notOurs("its answer to a start names no suite run")
	}
	return answer, err
}

func (c *client) runs(ctx context.Context, ids []string) ([]apiRun, error) {
	return items[apiRun](ctx, c, "/api/test-runs?"+url.Values{"id": ids}.Encode())
}

func (c *client) steps(ctx context.Context, id string) ([]apiStep, error) {
	return items[apiStep](ctx, c, runPath(id)+"/steps")
}

func (c *client) artifacts(ctx context.Context, id string) ([]apiArtifact, error) {
	return items[apiArtifact](ctx, c, runPath(id)+"/artifacts")
}

func (c *client) adaptations(ctx context.Context, id string) ([]apiAdaptation, error) {
	return items[apiAdaptation](ctx, c, runPath(id)+"/adaptations")
}

// items gets a list.
func items[T any](ctx context.Context, c *client, path string) ([]T, error) {
	var answer struct {
		Items []T `json:"items"`
	}
	err := c.get(ctx, path, &answer)
	return answer.Items, err
}

// sent posts a body and returns the list that is answered.
func sent[T any](ctx context.Context, c *client, path string, body []byte) ([]T, error) {
	var answer struct {
		Items []T `json:"items"`
	}
	err := c.call(ctx, http.MethodPost, path, body, "", &answer)
	return answer.Items, err
}

func (c *client) get(ctx context.Context, path string, out any) error {
	return c.call(ctx, http.MethodGet, path, nil, "", out)
}

// cancel cancels the run or the suite run at a path.
func (c *client) cancel(ctx context.Context, path string) error {
	return c.call(ctx, http.MethodPost, path+"/cancel", nil, "", nil)
}

func runPath(id string) string      { return "/api/test-runs/" + url.PathEscape(id) }
func suiteRunPath(id string) string { return "/api/suite-runs/" + url.PathEscape(id) }

// suiteRunsPath is where the runs of a stored suite are, or, without an id, those of all suites.
func suiteRunsPath(suiteID string) string {
	if suiteID == "" {
		return "/api/suite-runs"
	}
	return "/api/suites/" + url.PathEscape(suiteID) + "/runs"
}

// call sends one request and decodes the answer into out, unless out is nil.
func (c *client) call(ctx context.Context, method, path string, body []byte, idempotencyKey string, out any) error {
	return c.callWith(ctx, method, path, body, map[string]string{"Idempotency-Key": idempotencyKey}, out)
}

// callWith is call with headers; those without a value are left out.
func (c *client) callWith(ctx context.Context, method, path string, body []byte, headers map[string]string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.baseURL+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("building a request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	for name, value := range headers {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxResponseBytes+1))
	if err != nil {
		return c.unreachable(ctx, err)
	}
	if len(data) > maxResponseBytes {
		return c.notOurs(fmt.Sprintf("its answer is larger than %d MiB", maxResponseBytes>>20))
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return c.refusal(res, data)
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			return c.notOurs("its answer can't be read: " + err.Error())
		}
	}
	c.reached.Store(true)
	return nil
}

// link makes a link of the API complete: where it knows no public address of its own, it answers with paths.
func (c *client) link(ref string) string {
	base, err := url.Parse(c.baseURL + "/")
	if err != nil || ref == "" {
		return ref
	}
	u, err := base.Parse(ref)
	if err != nil {
		return ref
	}
	return u.String()
}

// linksOf returns the complete links of a started test.
func (c *client) linksOf(t *test) links {
	l := links{Self: c.link(t.links.Self), Steps: c.link(t.links.Steps), Artifacts: c.link(t.links.Artifacts), Temporal: c.link(t.links.Temporal)}
	if l.Self == "" {
		l.Self = c.link(runPath(t.id))
	}
	return l
}
