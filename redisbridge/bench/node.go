package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

//go:embed bullmq.cjs
var script string

// node is a process that runs the real library.
type node struct {
	command *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Reader
}

func startNode(ctx context.Context, modules, url string) (*node, error) {
	modules, err := filepath.Abs(modules)
	if err != nil {
		return nil, fmt.Errorf("finding the npm libraries: %w", err)
	}
	if _, err := os.Stat(filepath.Join(modules, "bullmq6")); err != nil {
		return nil, errors.New("the npm library is missing: npm ci --prefix e2e/bullmq")
	}
	command := exec.CommandContext(ctx, "node", "-e", script, "bullmq.cjs", modules, url, prefix)
	command.Stderr = os.Stderr
	n := &node{command: command}
	if n.input, err = command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("starting node: %w", err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting node: %w", err)
	}
	n.output = bufio.NewReader(output)
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting node: %w", err)
	}
	return n, nil
}

func (n *node) stop() error {
	_ = n.input.Close()
	if err := n.command.Wait(); err != nil {
		return fmt.Errorf("stopping node: %w", err)
	}
	return nil
}

// ask puts a question; answer waits for what it says to it.
func (n *node) ask(question string, args map[string]any) error {
	all := map[string]any{"ask": question}
	maps.Copy(all, args)
	if err := json.NewEncoder(n.input).Encode(all); err != nil {
		return fmt.Errorf("asking node: %w", err)
	}
	return nil
}

func (n *node) answer(into any) error {
	line, err := n.output.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("node died: %w", err)
	}
	var reply struct {
		Value json.RawMessage `json:"value"`
		Error string          `json:"error"`
	}
	if err := json.Unmarshal(bytes.TrimSpace(line), &reply); err != nil {
		return fmt.Errorf("reading what node says: %w", err)
	}
	if reply.Error != "" {
		return errors.New(reply.Error)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(reply.Value, into); err != nil {
		return fmt.Errorf("reading what node says: %w", err)
	}
	return nil
}

func (n *node) call(question string, args map[string]any, into any) error {
	if err := n.ask(question, args); err != nil {
		return err
	}
	return n.answer(into)
}

// clockDifference is by how many ms node's clock is ahead of ours, and how sure that is: half of the shortest call.
func (n *node) clockDifference() (ahead, within float64, err error) {
	within = float64(time.Hour.Milliseconds())
	for range 200 {
		var theirs float64
		sent := nowMillis()
		if err := n.call("clock", nil, &theirs); err != nil {
			return 0, 0, err
		}
		back := nowMillis()
		if (back-sent)/2 < within {
			within = (back - sent) / 2
			ahead = theirs - (sent+back)/2
		}
	}
	return ahead, within, nil
}

func nowMillis() float64 { return float64(time.Now().UnixNano()) / 1e6 }
