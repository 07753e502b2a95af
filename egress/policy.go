package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Mode says what is open without being named.
type Mode string

// The modes.
const (
	// Public opens the public internet; loopback, private and other special
	// addresses are closed unless a rule opens them.
	Public Mode = "public"
	// Allowlist opens nothing but what a rule names.
	Allowlist Mode = "allowlist"
)

// Policy says what may be reached. It does not change.
type Policy struct {
	mode  Mode
	rules []rule
	atlas atlas
}

// NewPolicy makes a policy of a mode and of rules: host, *.host, address, CIDR
// block or "localhost", each with an optional :port. The error lists all rules
// that cannot be read.
func NewPolicy(mode Mode, rules []string) (*Policy, error) {
	p := &Policy{mode: mode, atlas: newAtlas()}
	var problems []error
	if mode != Public && mode != Allowlist {
		problems = append(problems, fmt.Errorf("the mode is %q: it must be %s or %s", mode, Public, Allowlist))
	}
	for _, text := range rules {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		parsed, err := parseRule(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("%q: %w: give a host (shop.example), a wildcard (*.shop.example), "+
				"an address, a CIDR block (10.1.0.0/16) or localhost, each with a :port if only one is meant", text, err))
		}
		p.rules = append(p.rules, parsed...)
	}
	return p, errors.Join(problems...)
}

// RefusedError is the error of a connection that the policy forbids.
type RefusedError struct {
	// Host and Port are what the page asked for.
	Host string
	Port uint16
	// Addr is what the host turned out to be.
	Addr netip.Addr
	// Why completes "it is …".
	Why string
	// Rule is the entry that would open it.
	Rule string
}

// Place is the host and port that were asked for.
func (r *RefusedError) Place() string { return net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port))) }

// Error says what was refused and what to set to allow it.
func (r *RefusedError) Error() string {
	place := r.Place()
	if r.Addr.IsValid() && r.Addr.String() != r.Host {
		place += " (" + r.Addr.String() + ")"
	}
	if r.Rule == "" {
		return fmt.Sprintf("the egress guard refused %s: it is %s", place, r.Why)
	}
	return fmt.Sprintf("the egress guard refused %s: it is %s; if tests may reach it, allow it on the workers with EGRESS_ALLOW=%s", place, r.Why, r.Rule)
}

// Check returns nil if a page may reach the address that a host has, else why
// not. The host is as Host.Name has it.
func (p *Policy) Check(host string, to netip.AddrPort) *RefusedError {
	for _, addr := range meant(to.Addr()) {
		kind := p.atlas.classify(addr)
		if p.opens(kind, host, addr, to.Port()) {
			continue
		}
		refusal := &RefusedError{Host: host, Port: to.Port(), Addr: to.Addr().WithZone(""), Why: kind.why()}
		if kind == kindPublic {
			refusal.Why = "not on the allow-list"
		}
		name := host
		if kind.exactOnly() {
			name = addr.String()
		}
		refusal.Rule = net.JoinHostPort(name, strconv.Itoa(int(to.Port())))
		return refusal
	}
	return nil
}

func (p *Policy) opens(k kind, host string, addr netip.Addr, port uint16) bool {
	if k == kindPublic && p.mode == Public {
		return true
	}
	return slices.ContainsFunc(p.rules, func(r rule) bool { return r.opens(k, host, addr, port) })
}

// rule is one entry of the allow-list: a name or a prefix.
type rule struct {
	name   string
	below  bool // the name's subdomains, not the name itself
	prefix netip.Prefix
	port   uint16 // 0 is any
}

func (r rule) opens(k kind, host string, addr netip.Addr, port uint16) bool {
	if r.port != 0 && r.port != port {
		return false
	}
	switch {
	case r.prefix.IsValid():
		return r.prefix.Contains(addr) && (k != kindMetadata || r.prefix.IsSingleIP())
	case k.exactOnly():
		return false
	case r.below:
		return strings.HasSuffix(host, "."+r.name)
	}
	return host == r.name
}

func parseRule(text string) ([]rule, error) {
	where, port, err := splitPort(text)
	if err != nil {
		return nil, err
	}
	if prefix, err := netip.ParsePrefix(where); err == nil {
		if prefix != prefix.Masked() {
			return nil, fmt.Errorf("the block does not begin there, it is %s", prefix.Masked())
		}
		return []rule{{prefix: prefix, port: port}}, nil
	}
	name, below := strings.CutPrefix(where, "*.")
	host, err := ParseHost(name)
	switch {
	case err != nil:
		return nil, err
	case host.Addr.IsValid() && below:
		return nil, errors.New("an address has no subdomains")
	case host.Addr.IsValid():
		return []rule{{prefix: netip.PrefixFrom(host.Addr, host.Addr.BitLen()), port: port}}, nil
	case host.IsLocal():
		return []rule{{prefix: netip.MustParsePrefix("127.0.0.0/8"), port: port}, {prefix: netip.MustParsePrefix("::1/128"), port: port}}, nil
	}
	return []rule{{name: host.Name, below: below, port: port}}, nil
}

// splitPort cuts a port off a rule. An IPv6 address needs brackets then.
func splitPort(text string) (where string, port uint16, err error) {
	where = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	if _, err := netip.ParseAddr(where); err == nil {
		return where, 0, nil
	}
	if _, err := netip.ParsePrefix(text); err == nil {
		return text, 0, nil
	}
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return text, 0, nil
	}
	n, err := strconv.ParseUint(text[i+1:], 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("%q is not a port", text[i+1:])
	}
	return strings.TrimSuffix(strings.TrimPrefix(text[:i], "["), "]"), uint16(n), nil
}
