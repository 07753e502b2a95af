package stack

import (
	"context"
	"fmt"
)

// role is a part of the product that runs in this process.
type role struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// startRole runs a composition root of the product until it is ready. The role outlives ctx, which only bounds the wait;
// it is returned even when it did not become ready, to be stopped.
func startRole(ctx context.Context, name string, run func(ctx context.Context, ready func()) error) (*role, error) {
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &role{name: name, cancel: cancel, done: make(chan struct{})}
	ready := make(chan struct{})
	go func() {
		defer close(r.done)
		r.err = run(life, func() { close(ready) })
	}()
	select {
	case <-ready:
		return r, nil
	case <-r.done:
		return r, fmt.Errorf("starting the %s: %w", name, r.Err())
	case <-ctx.Done():
		return r, fmt.Errorf("starting the %s: %w", name, ctx.Err())
	}
}

// Done is closed when the role ended.
func (r *role) Done() <-chan struct{} { return r.done }

// Err says how the role ended. Ask only after Done.
func (r *role) Err() error {
	if r.err == nil {
		return fmt.Errorf("the %s ended", r.name)
	}
	return fmt.Errorf("the %s ended: %w", r.name, r.err)
}

// stop asks the role to end and waits for it, as long as the context allows. A role that was left out needs no stop.
func (r *role) stop(ctx context.Context) error {
	if r == nil {
		return nil
	}
	select {
	case <-r.done:
		return nil // how it ended was reported when it did
	default:
	}
	r.cancel()
	select {
	case <-r.done:
		if r.err != nil {
			return fmt.Errorf("stopping the %s: %w", r.name, r.err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping the %s: it did not end in time", r.name)
	}
}
