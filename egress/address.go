package egress

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
)

// kind is what an address is to a policy.
type kind int

const (
	kindPublic kind = iota
	kindLoopback
	kindPrivate
	kindLinkLocal
	kindOwn
	kindReserved
	kindMetadata
)

// why completes "it is …".
func (k kind) why() string {
	switch k {
	case kindLoopback, kindOwn:
		return "an address of the worker's own machine"
	case kindPrivate:
		return "a private address"
	case kindLinkLocal:
		return "a link-local address"
	case kindReserved:
		return "an address for special use"
	case kindMetadata:
		return "a cloud's metadata address, which hands out credentials"
	case kindPublic:
	}
	return "a public address"
}

// exactOnly says that a rule must give the address itself: a name is not
// enough, because whoever owns a name can point it anywhere.
func (k kind) exactOnly() bool { return k == kindMetadata || k == kindReserved }

// atlas knows what addresses are for.
type atlas struct {
	metadata []netip.Addr
	special  []block
}

type block struct {
	kind   kind
	prefix netip.Prefix
}

// newAtlas lists the ranges that are no part of the public internet, by the
// registries of IANA, and where clouds hand out a machine's credentials.
func newAtlas() atlas {
	var a atlas
	add := func(k kind, prefixes ...string) {
		for _, p := range prefixes {
			a.special = append(a.special, block{k, netip.MustParsePrefix(p)})
		}
	}
	add(kindLoopback, "127.0.0.0/8", "::1/128")
	add(kindPrivate, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15", "fc00::/7", "fec0::/10")
	add(kindLinkLocal, "169.254.0.0/16", "fe80::/10")
	add(kindReserved, "0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.51.100.0/24", "203.0.113.0/24",
		"224.0.0.0/4", "240.0.0.0/4", "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20",
		"5f00::/16", "ff00::/8")
	for _, address := range []string{
		"169.254.169.254", "fd00:ec2::254", // AWS; by IPv4 also Google, Azure, DigitalOcean, OpenStack and others
		"169.254.170.2", "169.254.170.23", "fd00:ec2::23", // AWS: credentials of tasks and pods
		"fd20:ce::254",                 // Google
		"100.100.100.200",              // Alibaba
		"192.0.0.192",                  // Oracle
		"168.63.129.16",                // Azure's wire server
		"169.254.42.42", "fd00:42::42", // Scaleway
		"169.254.0.23", "169.254.10.10", // Tencent
	} {
		a.metadata = append(a.metadata, netip.MustParseAddr(address))
	}
	return a
}

// classify says what a plain address is, one that meant returned.
func (a atlas) classify(addr netip.Addr) kind {
	if slices.Contains(a.metadata, addr) {
		return kindMetadata
	}
	for _, b := range a.special {
		if b.prefix.Contains(addr) {
			return b.kind
		}
	}
	// A firewall may keep everyone else off what listens on the machine's own public address.
	own, err := net.InterfaceAddrs()
	if err != nil {
		return kindOwn
	}
	for _, o := range own {
		if network, ok := o.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(network.IP); ok && ip.Unmap() == addr {
				return kindOwn
			}
		}
	}
	return kindPublic
}

// meant returns the addresses that a packet to addr may reach in the end: IPv6
// addresses can hold IPv4 ones, which gateways and tunnels take out.
func meant(addr netip.Addr) []netip.Addr {
	addr = addr.WithZone("").Unmap()
	if addr.Is4() {
		return []netip.Addr{addr}
	}
	b := addr.As16()
	v4 := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	within := func(prefix string) bool { return netip.MustParsePrefix(prefix).Contains(addr) }
	switch {
	case within("64:ff9b::/96"), within("::ffff:0:0:0/96"): // NAT64 and its stateless kin
		return []netip.Addr{v4(12)}
	case within("::/96") && binary.BigEndian.Uint32(b[12:]) > 1: // "IPv4-compatible"
		return []netip.Addr{addr, v4(12)}
	case within("2002::/16"): // 6to4
		return []netip.Addr{v4(2)}
	case within("2001::/32"): // Teredo: its server, and the client with all bits flipped
		client := binary.BigEndian.Uint32(b[12:]) ^ 0xffffffff
		return []netip.Addr{addr, v4(4), netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, client)))}
	case binary.BigEndian.Uint32(b[8:])&^0x02000000 == 0x00005efe: // ISATAP
		return []netip.Addr{addr, v4(12)}
	}
	return []netip.Addr{addr}
}
