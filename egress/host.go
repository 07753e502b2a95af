package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// Host is the host of an address, in the one spelling that names it.
type Host struct {
	// Name is lower-case ASCII without a trailing dot: "shop.example",
	// "xn--bcher-kva.example", "10.0.0.1", "::1".
	Name string
	// Addr is set if the host is an address and not a name.
	Addr netip.Addr
	// dial is what to resolve.
	dial string
}

// IsLocal reports whether the host is "localhost" or below it, which browsers
// never look up.
func (h Host) IsLocal() bool { return h.Name == localhost || strings.HasSuffix(h.Name, "."+localhost) }

const (
	localhost = "localhost"
	maxHost   = 255
)

// ParseHost reads a host as browsers do: international names in any script, a
// trailing dot, and IPv4 addresses with octal, hexadecimal or missing parts.
func ParseHost(text string) (Host, error) {
	if len(text) > 4*maxHost {
		return Host{}, errors.New("the host is too long")
	}
	literal, bracketed := strings.CutPrefix(text, "[")
	literal, closed := strings.CutSuffix(literal, "]")
	if bracketed != closed {
		return Host{}, fmt.Errorf("%q is not a host", text)
	}
	if bracketed || strings.Contains(literal, ":") {
		addr, err := netip.ParseAddr(literal)
		if err != nil || addr.Is4() {
			return Host{}, fmt.Errorf("%q is not an IPv6 address", literal)
		}
		if addr.Zone() != "" {
			return Host{}, fmt.Errorf("%q has a zone, which no site has", literal)
		}
		return Host{Name: addr.String(), Addr: addr, dial: addr.String()}, nil
	}
	name, err := names().ToASCII(text)
	if err != nil {
		return Host{}, fmt.Errorf("%q is not a host", text)
	}
	name, rooted := strings.CutSuffix(strings.ToLower(name), ".")
	if name == "" || len(name) > maxHost || strings.ContainsAny(name, " \t\r\n\x00%/\\?#@:<>[]^|") || strings.Contains("."+name+".", "..") {
		return Host{}, fmt.Errorf("%q is not a host", text)
	}
	if last := name[strings.LastIndexByte(name, '.')+1:]; isNumber(last) {
		addr, err := parseIPv4(name)
		if err != nil {
			return Host{}, err
		}
		return Host{Name: addr.String(), Addr: addr, dial: addr.String()}, nil
	}
	h := Host{Name: name, dial: name}
	switch {
	case h.IsLocal():
		h.dial = localhost
	case rooted:
		h.dial += "."
	}
	return h, nil
}

// names maps names as browsers do: by UTS 46, with underscores and the like.
func names() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))
}

// isNumber reports whether the last part of a host makes it an IPv4 address.
func isNumber(label string) bool {
	if strings.Trim(label, "0123456789") == "" {
		return true
	}
	_, err := parsePart(label)
	return err == nil
}

// parseIPv4 reads the forms that the URL standard knows: 1 to 4 parts, each
// decimal, octal or hexadecimal, of which the last fills what is left.
func parseIPv4(text string) (netip.Addr, error) {
	bad := fmt.Errorf("%q is not an IPv4 address", text)
	parts := strings.Split(text, ".")
	if len(parts) > 4 {
		return netip.Addr{}, bad
	}
	var sum uint64
	for i, part := range parts {
		n, err := parsePart(part)
		if err != nil {
			return netip.Addr{}, bad
		}
		if i < len(parts)-1 {
			if n > 255 {
				return netip.Addr{}, bad
			}
			sum |= n << (8 * (3 - i))
			continue
		}
		if n >= 1<<(8*(5-len(parts))) {
			return netip.Addr{}, bad
		}
		sum |= n
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), nil
}

func parsePart(part string) (uint64, error) {
	base := 10
	switch {
	case strings.HasPrefix(part, "0x"):
		if part, base = part[2:], 16; part == "" {
			return 0, nil
		}
	case len(part) > 1 && part[0] == '0':
		part, base = part[1:], 8
	}
	if strings.ContainsAny(part, "+-_") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(part, base, 32)
}
