package obs

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
	"time"
)

// Figures are what the Go runtime says of this process.
type Figures struct {
	Goroutines int `json:"goroutines"`
	// HeapBytes is what is in use after a collection.
	HeapBytes uint64 `json:"heapBytes"`
}

// ServeDebug serves profiles of this process at /debug/pprof/ and its Figures at /debug/figures, until the returned function
// is called. The address must be of this machine alone; config sees to it.
func ServeDebug(ctx context.Context, addr string) (stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("serving WORKER_DEBUG_ADDR: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/figures", func(w http.ResponseWriter, _ *http.Request) {
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(Figures{Goroutines: runtime.NumGoroutine(), HeapBytes: memory.HeapAlloc})
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // until stop
	}()
	return func() {
		_ = server.Close()
		<-done
	}, nil
}
