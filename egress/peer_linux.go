package egress

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// checkPeer makes sure that who connected is a process of this one's user: the
// kernel's table of sockets says whose each of them is. Others on the machine
// could use the worker's network otherwise.
func checkPeer(c net.Conn) error {
	peer, local := addrPort(c.RemoteAddr()), addrPort(c.LocalAddr())
	file, err := os.Open("/proc/self/net/tcp")
	if err != nil {
		return fmt.Errorf("finding out who uses the proxy: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	// 0: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000 1000 …
	want := socketName(peer) + " " + socketName(local) + " "
	for lines := bufio.NewScanner(file); lines.Scan(); {
		_, rest, _ := strings.Cut(lines.Text(), ": ")
		if !strings.HasPrefix(rest, want) {
			continue
		}
		fields := strings.Fields(rest)
		if len(fields) < 7 {
			break
		}
		if uid := fields[6]; uid != strconv.Itoa(os.Geteuid()) {
			return fmt.Errorf("user %s is not the worker's", uid)
		}
		return nil
	}
	return errors.New("the kernel does not say who uses the proxy")
}

// socketName writes an IPv4 address and port as the kernel's table has it: the
// address as a number in the machine's own order of bytes.
func socketName(a netip.AddrPort) string {
	b := a.Addr().Unmap().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(b[:]), a.Port())
}

func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	return netip.AddrPort{}
}
