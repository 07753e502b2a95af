package redisbridge

// Pending is how many updates wait to be published.
func (p *Publisher) Pending() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pending)
}

// KeysOf is which arguments of a command are shown.
var KeysOf = keysOf
