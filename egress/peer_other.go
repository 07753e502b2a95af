//go:build !linux

package egress

import "net"

// checkPeer lets everyone on the machine use the proxy: this system has no
// simple way to tell whose a connection is.
func checkPeer(net.Conn) error { return nil }
