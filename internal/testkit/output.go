package testkit

import (
	"bytes"
	"fmt"
	"os"
	"sync"

	"go.uber.org/goleak"
)

// Output collects what is written while others read it. The zero value is ready.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns what was written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// NoLeaks is for the end of TestMain, when all servers are stopped: it returns the exit code, which is not 0 when tests
// that passed left goroutines behind. The thread that servers are started from stays.
func NoLeaks(code int) int {
	if code != 0 {
		return code
	}
	if err := goleak.Find(goleak.IgnoreTopFunction("github.com/cinnamon-qa/cinnamon/internal/process.startingThread.func1")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
