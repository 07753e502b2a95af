package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// endpoints is where the system's parts answer, as cinnamon-dev writes it.
type endpoints struct {
	API      string `json:"api"`
	Temporal string `json:"temporal"`
	Redis    string `json:"redis"`
	Shop     string `json:"shop"`
	APIKey   string `json:"api_key"` //nolint:tagliatelle // cinnamon-dev's spelling
}

// system is the whole system, with a worker of two slots that keeps no artifacts.
type system struct {
	endpoints

	bin    string
	folder string
	dev    *exec.Cmd
	exited chan struct{}
	err    error // how it ended; after exited
	log    *bytes.Buffer
}

// slots is how many attempts go on at once.
const slots = 2

func startSystem(ctx context.Context, o options) (*system, error) {
	bin, err := filepath.Abs(o.bin)
	if err != nil {
		return nil, fmt.Errorf("finding the programs: %w", err)
	}
	folder, err := os.MkdirTemp("", "cinnamon-execution-")
	if err != nil {
		return nil, fmt.Errorf("making a folder: %w", err)
	}
	s := &system{bin: bin, folder: folder, exited: make(chan struct{}), log: &bytes.Buffer{}}
	ready := filepath.Join(folder, "ready.json")
	// It outlives the context, to be stopped in order.
	s.dev = exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(bin, "cinnamon-dev"),
		"up", "--ephemeral", "--ready-file", ready, "--concurrency", strconv.Itoa(slots))
	s.dev.Env = append(s.dev.Environ(), "ARTIFACTS_SCREENSHOT=off", "ARTIFACTS_DOM=off", "ARTIFACTS_CONSOLE=off", "ARTIFACTS_NETWORK=off", "ARTIFACTS_TRACE=off")
	s.dev.Stdout, s.dev.Stderr = s.log, s.log
	s.dev.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt reaches this program alone
	if err := s.dev.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the system: %w", err), os.RemoveAll(folder))
	}
	go func() {
		s.err = s.dev.Wait()
		close(s.exited)
	}()
	waiting, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	err = poll(waiting, 50*time.Millisecond, func() (bool, error) {
		select {
		case <-s.exited:
			return false, fmt.Errorf("the system ended: %w\n%s", s.err, s.log)
		default:
		}
		text, err := os.ReadFile(ready)
		return err == nil && json.Unmarshal(text, &s.endpoints) == nil, nil
	})
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// stop ends the system in order.
func (s *system) stop() error {
	_ = s.dev.Process.Signal(syscall.SIGTERM)
	late := time.NewTimer(90 * time.Second)
	defer late.Stop()
	select {
	case <-s.exited:
	case <-late.C:
		_ = s.dev.Process.Kill()
		<-s.exited
	}
	var err error
	if s.err != nil {
		err = fmt.Errorf("the system ended badly: %w\n%s", s.err, s.log)
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// poll asks until the answer is yes.
func poll(ctx context.Context, every time.Duration, ask func() (bool, error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting: %w", ctx.Err())
		}
	}
}

// call sends a request to the API and decodes the answer into out, which may be nil.
func (s *system) call(ctx context.Context, method, path string, body, out any) error {
	var sent io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("writing a request: %w", err)
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, s.API+path, sent)
	if err != nil {
		return fmt.Errorf("making a request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+s.APIKey)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking the API: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("reading the API's answer: %w", err)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, text)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("reading the API's answer: %w", err)
	}
	return nil
}

// testRun is a run as the API shows it.
type testRun struct {
	ID         string    `json:"testRunId"`
	JobID      string    `json:"jobId"`
	Status     string    `json:"status"`
	Error      string    `json:"error"`
	Attempt    int       `json:"attempt"`
	CreatedAt  time.Time `json:"createdAt"`
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
}

func (r testRun) ended() bool { return r.Status != "pending" && r.Status != "running" }

// waited is how long the run waited for its start.
func (r testRun) waited() float64 { return r.StartedAt.Sub(r.CreatedAt).Seconds() * 1000 }

// submit asks for a run of a case.
func (s *system) submit(ctx context.Context, definition json.RawMessage, fields map[string]any) (string, error) {
	request := map[string]any{"case": definition, "attempts": 1}
	maps.Copy(request, fields)
	var accepted testRun
	err := s.call(ctx, http.MethodPost, "/api/test-runs", request, &accepted)
	return accepted.ID, err
}

func (s *system) show(ctx context.Context, id string) (testRun, error) {
	var r testRun
	err := s.call(ctx, http.MethodGet, "/api/test-runs/"+id, nil, &r)
	return r, err
}

// runs shows up to 200 runs.
func (s *system) runs(ctx context.Context, ids []string) ([]testRun, error) {
	var list struct {
		Items []testRun `json:"items"`
	}
	err := s.call(ctx, http.MethodGet, "/api/test-runs?"+url.Values{"id": ids}.Encode(), nil, &list)
	return list.Items, err
}

// awaitRuns waits until runs have ended, and expects that they end as they should.
func (s *system) awaitRuns(ctx context.Context, ids []string, status string) ([]testRun, error) {
	var found []testRun
	err := poll(ctx, 100*time.Millisecond, func() (bool, error) {
		var err error
		if found, err = s.runs(ctx, ids); err != nil {
			return false, err
		}
		for _, r := range found {
			if !r.ended() {
				return false, nil
			}
			if status != "" && r.Status != status {
				return false, fmt.Errorf("run %s is %s, expected %s: %s", r.ID, r.Status, status, r.Error)
			}
		}
		return len(found) == len(ids), nil
	})
	return found, err
}
