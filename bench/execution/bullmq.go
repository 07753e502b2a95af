package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/cinnamon-qa/cinnamon/queue"
)

// bullmq is a process with the real library.
type bullmq struct {
	command *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Reader
}

func startBullMQ(ctx context.Context, modules, redis string) (*bullmq, error) {
	script := filepath.Join(filepath.Dir(modules), "client.cjs")
	if _, err := os.Stat(filepath.Join(modules, "bullmq6")); err != nil {
		return nil, errors.New("the npm library bullmq is missing: npm ci --prefix e2e/bullmq")
	}
	command := exec.CommandContext(ctx, "node", script, "bullmq6", redis, queue.TestExecution)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting node: %w", err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting node: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting node: %w", err)
	}
	b := &bullmq{command: command, input: input, output: bufio.NewReader(output)}
	if _, err := b.output.ReadBytes('\n'); err != nil { // it is ready
		return nil, errors.Join(fmt.Errorf("starting node: %w", err), b.stop())
	}
	return b, nil
}

// ask has the library do something.
func (b *bullmq) ask(what map[string]any) error {
	if err := json.NewEncoder(b.input).Encode(what); err != nil {
		return fmt.Errorf("asking node: %w", err)
	}
	line, err := b.output.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("node died: %w", err)
	}
	var reply struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(line, &reply); err != nil {
		return fmt.Errorf("reading what node says: %w", err)
	}
	if reply.Error != "" {
		return errors.New(reply.Error)
	}
	return nil
}

func (b *bullmq) stop() error {
	_ = b.input.Close()
	if err := b.command.Wait(); err != nil {
		return fmt.Errorf("stopping node: %w", err)
	}
	return nil
}
