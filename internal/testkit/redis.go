package testkit

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const redisStartTimeout = 20 * time.Second

// Redis is a real redis-server on a free loopback port, with its files in a temporary folder. The zero value is ready:
// the server starts when a test first asks for its URL. A package keeps one and stops it in TestMain:
//
//	var server testkit.Redis
//
//	func TestMain(m *testing.M) {
//		code := m.Run()
//		server.Stop()
//		os.Exit(code)
//	}
//
// Tests share the server: each keeps to a key prefix of its own.
type Redis struct {
	start   sync.Once
	err     error
	address string
	folder  string
	command *exec.Cmd
	exited  chan struct{}
}

// URL returns the server's address. Without a redis-server in the PATH the test is skipped, or fails if CI is set.
func (r *Redis) URL(tb testing.TB) string {
	tb.Helper()
	r.start.Do(func() { r.err = r.run() })
	if errors.Is(r.err, exec.ErrNotFound) && os.Getenv("CI") == "" {
		tb.Skip("needs redis-server 6.2 or later in the PATH")
	}
	if r.err != nil {
		tb.Fatalf("starting redis-server: %v", r.err)
	}
	return "redis://" + r.address + "/0"
}

// Stop ends the server, if it was started, and deletes its files.
func (r *Redis) Stop() {
	r.start.Do(func() { r.err = errors.New("the server was stopped before it started") })
	r.kill()
}

func (r *Redis) kill() {
	if r.command != nil && r.command.Process != nil {
		_ = r.command.Process.Kill()
		<-r.exited
	}
	if r.folder != "" {
		_ = os.RemoveAll(r.folder)
	}
}

func (r *Redis) run() error {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return err
	}
	if r.folder, err = os.MkdirTemp("", "redis-test-"); err != nil {
		return err
	}
	// A port that was free a moment ago may be taken by now: try a few.
	for range 5 {
		if err = r.launch(program); err == nil {
			return nil
		}
	}
	r.kill()
	return err
}

func (r *Redis) launch(program string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	return r.launchAt(program, port)
}

func (r *Redis) launchAt(program string, port int) error {
	logFile := filepath.Join(r.folder, "redis.log")
	r.command = exec.Command(program, //nolint:gosec // found in the PATH, on purpose
		"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", r.folder, "--logfile", logFile,
		"--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction")
	if err := r.command.Start(); err != nil {
		return err
	}
	command, exited := r.command, make(chan struct{})
	r.exited = exited
	go func() {
		_ = command.Wait()
		close(exited)
	}()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(redisStartTimeout)
	for {
		if answersPing(address) {
			r.address = address
			return nil
		}
		select {
		case <-tick.C:
		case <-exited:
			text, _ := os.ReadFile(logFile) //nolint:gosec // our own file
			return fmt.Errorf("redis-server ended at once: %s", text)
		case <-deadline:
			_ = command.Process.Kill()
			<-exited
			return fmt.Errorf("redis-server did not answer within %s", redisStartTimeout)
		}
	}
}

func answersPing(address string) bool {
	connection, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(time.Second))
	if _, err := connection.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	line, err := bufio.NewReader(connection).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "+PONG")
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("a TCP listener has no TCP address")
	}
	return address.Port, nil
}
