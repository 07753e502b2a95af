package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// pages serves pages that tell how long they live: each keeps a connection open until its browser context is gone.
type pages struct {
	url    string
	server *http.Server

	mu   sync.Mutex
	open map[string]*page
}

// page is one of them.
type page struct {
	path         string
	opened, gone chan struct{}
}

func openPages(ctx context.Context) (*pages, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serving pages: %w", err)
	}
	p := &pages{url: "http://" + listener.Addr().String(), open: map[string]*page{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/page/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, "<!doctype html><title>Page</title><script>new EventSource(%q)</script>", "/stream/"+url.PathEscape(r.PathValue("id")))
	})
	mux.HandleFunc("/stream/{id}", p.stream)
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(listener) }() // until close
	return p, nil
}

// add makes a page with an address of its own.
func (p *pages) add(id string) *page {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[id] = &page{path: "/page/" + id, opened: make(chan struct{}), gone: make(chan struct{})}
	return p.open[id]
}

// stream is the connection that a page keeps open.
func (p *pages) stream(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	one := p.open[r.PathValue("id")]
	delete(p.open, r.PathValue("id"))
	p.mu.Unlock()
	if one == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = w.Write([]byte(": here\n\n"))
	_ = http.NewResponseController(w).Flush()
	close(one.opened)
	<-r.Context().Done()
	close(one.gone)
}

func (*page) await(ctx context.Context, what <-chan struct{}) error {
	select {
	case <-what:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pages) close() { _ = p.server.Close() }
