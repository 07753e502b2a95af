package testkit

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	// nodeWithin is how long a script may take to say something, nodeEnds how long it may take to end when its input does.
	nodeWithin = 30 * time.Second
	nodeEnds   = 10 * time.Second
)

// NodeModules finds npm libraries: in the folder that BULLMQ_NODE_MODULES names, else in the given one. Without node, or
// without the library, the test is skipped, or fails if CI is set.
func NodeModules(tb testing.TB, folder, library string) string {
	tb.Helper()
	if named := os.Getenv("BULLMQ_NODE_MODULES"); named != "" {
		folder = named
	}
	folder, err := filepath.Abs(folder)
	require(tb, err)
	_, nodeErr := exec.LookPath("node")
	_, libraryErr := os.Stat(filepath.Join(folder, library))
	if nodeErr == nil && libraryErr == nil {
		return folder
	}
	const hint = "needs node, and %s: run npm ci --prefix e2e/bullmq"
	if os.Getenv("CI") != "" {
		tb.Fatalf(hint, library)
	}
	tb.Skipf(hint, library)
	return ""
}

// Node is a script that runs in node and talks in lines. It ends with the test that started it.
type Node struct {
	command *exec.Cmd
	input   io.WriteCloser
	lines   chan []byte
}

// StartNode starts a script, which finds libraries in a folder of NodeModules, with arguments. What it writes to standard
// error is shown when the test fails.
func StartNode(tb testing.TB, modules string, args ...string) *Node {
	tb.Helper()
	n := &Node{command: exec.Command("node", args...), lines: make(chan []byte)}
	n.command.Env = append(os.Environ(), "NODE_PATH="+modules)
	complaints := new(Output)
	n.command.Stderr = complaints
	var err error
	n.input, err = n.command.StdinPipe()
	require(tb, err)
	output, err := n.command.StdoutPipe()
	require(tb, err)
	require(tb, n.command.Start())
	go n.read(output)
	tb.Cleanup(func() {
		_ = n.input.Close()
		late := time.AfterFunc(nodeEnds, n.Kill) // it may wait for what never comes
		defer late.Stop()
		for range n.lines { // what it still says is for nobody
		}
		_ = n.command.Wait()
		if tb.Failed() {
			tb.Log(args, complaints)
		}
	})
	return n
}

func (n *Node) read(output io.Reader) {
	defer close(n.lines)
	scanner := bufio.NewScanner(output)
	scanner.Buffer(nil, 1<<24)
	for scanner.Scan() {
		n.lines <- bytes.Clone(scanner.Bytes())
	}
}

// Say gives the script a line.
func (n *Node) Say(tb testing.TB, line []byte) {
	tb.Helper()
	_, err := n.input.Write(append(line, '\n'))
	require(tb, err)
}

// Next waits for the next line of the script.
func (n *Node) Next(tb testing.TB) []byte {
	tb.Helper()
	select {
	case line, ok := <-n.lines:
		if !ok {
			tb.Fatalf("%s has ended", n.command.Args[1])
		}
		return line
	case <-time.After(nodeWithin):
		tb.Fatalf("%s says nothing", n.command.Args[1])
	}
	return nil
}

// Kill ends the script without warning.
func (n *Node) Kill() { _ = n.command.Process.Kill() }
