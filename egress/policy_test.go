package egress_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/egress"
)

func policy(t *testing.T, mode egress.Mode, rules ...string) *egress.Policy {
	t.Helper()
	p, err := egress.NewPolicy(mode, rules)
	require.NoError(t, err)
	return p
}

func check(t *testing.T, p *egress.Policy, host, address string) *egress.RefusedError {
	t.Helper()
	to, err := netip.ParseAddrPort(address)
	require.NoError(t, err)
	return p.Check(host, to)
}

func TestWhatIsClosed(t *testing.T) {
	t.Parallel()
	p := policy(t, egress.Public)
	for why, addresses := range map[string][]string{
		"a cloud's metadata address, which hands out credentials": {
			"169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "169.254.170.2", "fd20:ce::254",
			"::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::ffff:0:169.254.169.254",
		},
		"an address of the worker's own machine": {
			"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::", "::ffff:0:7f00:1",
		},
		"a private address": {
			"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "198.18.0.1", "fc00::1", "fdff::1", "fec0::1",
			"::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::",
			"2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:192.168.0.1", // ISATAP
		},
		"a link-local address": {"169.254.1.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.1.1"},
		"an address for special use": {
			"0.0.0.0", "0.1.2.3", "::", "::127.0.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "ff02::1", "192.0.0.1",
			"2001:db8::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2" /* Teredo */, "64:ff9b:1::1", "100::1", "203.0.113.1",
		},
	} {
		for _, address := range addresses {
			refusal := check(t, p, "evil.example", netip.AddrPortFrom(netip.MustParseAddr(address), 80).String())
			require.NotNil(t, refusal, address)
			require.Equal(t, why, refusal.Why, address)
		}
	}
	for _, address := range []string{
		"1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "169.253.1.1", "192.167.1.1",
		"2606:4700:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8", "2002:808:808::1", "128.0.0.1", "223.255.255.255",
	} {
		require.Nil(t, check(t, p, "shop.example", netip.AddrPortFrom(netip.MustParseAddr(address), 443).String()), address)
	}
}

func TestOwnPublicAddressIsClosed(t *testing.T) {
	t.Parallel()
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok {
			ip, ok := netip.AddrFromSlice(network.IP)
			require.True(t, ok)
			require.NotNil(t, policy(t, egress.Public).Check("me.example", netip.AddrPortFrom(ip, 80)), ip.String())
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode   egress.Mode
		rules  []string
		opens  [][2]string
		closes [][2]string
	}{
		"host": {
			egress.Public,
			[]string{"staging.corp"},
			[][2]string{{"staging.corp", "10.1.2.3:80"}, {"staging.corp", "127.0.0.1:8080"}, {"staging.corp", "[fe80::1]:80"}},
			[][2]string{
				{"other.corp", "10.1.2.3:80"},
				{"a.staging.corp", "10.1.2.3:80"},
				{"xstaging.corp", "10.1.2.3:80"},
				{"staging.corp", "169.254.169.254:80"},
				{"staging.corp", "[fd00:ec2::254]:80"},
				{"staging.corp", "0.0.0.0:80"},
				{"staging.corp", "[::ffff:169.254.169.254]:80"},
				{"staging.corp", "[64:ff9b::a9fe:a9fe]:80"},
			},
		},
		"host and port": {egress.Public, []string{"staging.corp:8080"}, [][2]string{{"staging.corp", "10.1.2.3:8080"}}, [][2]string{{"staging.corp", "10.1.2.3:80"}}},
		"wildcard": {
			egress.Public,
			[]string{"*.corp"},
			[][2]string{{"a.corp", "10.0.0.1:80"}, {"a.b.corp", "10.0.0.1:80"}},
			[][2]string{{"corp", "10.0.0.1:80"}, {"acorp", "10.0.0.1:80"}, {"a.corp", "169.254.169.254:80"}},
		},
		"international name": {egress.Public, []string{"bücher.corp"}, [][2]string{{"xn--bcher-kva.corp", "10.0.0.1:80"}}, nil},
		"block": {
			egress.Public,
			[]string{"10.1.0.0/16", "fd12::/16"},
			[][2]string{{"x", "10.1.2.3:80"}, {"x", "[::ffff:10.1.2.3]:80"}, {"x", "[64:ff9b::10.1.2.3]:80"}, {"x", "[fd12::1]:1"}},
			[][2]string{{"x", "10.2.0.1:80"}, {"x", "[fd13::1]:80"}},
		},
		"block and port":            {egress.Public, []string{"10.0.0.0/8:443"}, [][2]string{{"x", "10.0.0.1:443"}}, [][2]string{{"x", "10.0.0.1:80"}}},
		"a block opens no metadata": {egress.Public, []string{"0.0.0.0/0", "::/0"}, [][2]string{{"x", "10.0.0.1:443"}, {"x", "[::1]:1"}}, [][2]string{{"x", "169.254.169.254:80"}, {"x", "[fd00:ec2::254]:80"}}},
		"metadata by itself":        {egress.Public, []string{"169.254.169.254"}, [][2]string{{"x", "169.254.169.254:80"}}, [][2]string{{"x", "169.254.169.253:80"}}},
		"address":                   {egress.Public, []string{"::1", "[fd00::1]:8080"}, [][2]string{{"::1", "[::1]:80"}, {"x", "[fd00::1]:8080"}}, [][2]string{{"x", "127.0.0.1:80"}, {"x", "[fd00::1]:80"}}},
		"localhost":                 {egress.Public, []string{"localhost"}, [][2]string{{"localhost", "127.0.0.1:80"}, {"::1", "[::1]:8080"}, {"x.example", "127.1.2.3:80"}}, [][2]string{{"localhost", "10.0.0.1:80"}}},
		"localhost and port":        {egress.Public, []string{"localhost:80"}, [][2]string{{"localhost", "127.0.0.1:80"}}, [][2]string{{"localhost", "127.0.0.1:81"}}},
		"allow-list": {
			egress.Allowlist,
			[]string{"shop.example", "*.cdn.example:443", "10.0.0.0/8"},
			[][2]string{{"shop.example", "1.1.1.1:80"}, {"a.cdn.example", "1.1.1.1:443"}, {"x", "10.0.0.1:80"}},
			[][2]string{{"other.example", "1.1.1.1:80"}, {"a.cdn.example", "1.1.1.1:80"}, {"shop.example", "169.254.169.254:80"}, {"1.1.1.1", "1.1.1.1:80"}},
		},
		"empty allow-list": {egress.Allowlist, nil, nil, [][2]string{{"shop.example", "1.1.1.1:443"}, {"localhost", "127.0.0.1:80"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policy(t, test.mode, test.rules...)
			for _, place := range test.opens {
				require.Nil(t, check(t, p, place[0], place[1]), place)
			}
			for _, place := range test.closes {
				require.NotNil(t, check(t, p, place[0], place[1]), place)
			}
		})
	}
}

func TestRulesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	_, err := egress.NewPolicy("open", []string{"shop.example", "http://shop.example", "10.0.0.1/8", "a:99999", "*.10.0.0.1", "fe80::1%eth0", "a b", "1.2.3.4.5", ""})
	for _, problem := range []string{
		`the mode is "open": it must be public or allowlist`, `"http://shop.example": `, `"10.0.0.1/8": the block does not begin there, it is 10.0.0.0/8`,
		`"a:99999": "99999" is not a port`, `"*.10.0.0.1": an address has no subdomains`, `"fe80::1%eth0": "fe80::1%eth0" has a zone`,
		`"a b": `, `"1.2.3.4.5": "1.2.3.4.5" is not an IPv4 address`,
	} {
		require.ErrorContains(t, err, problem)
	}
	require.NotContains(t, err.Error(), `"shop.example"`)
}

func TestRefusalSaysWhatToSet(t *testing.T) {
	t.Parallel()
	p := policy(t, egress.Public)
	require.EqualError(t, check(t, p, "staging.corp", "10.1.2.3:8080"),
		"the egress guard refused staging.corp:8080 (10.1.2.3): it is a private address; if tests may reach it, allow it on the workers with EGRESS_ALLOW=staging.corp:8080")
	require.EqualError(t, check(t, p, "evil.example", "169.254.169.254:80"),
		"the egress guard refused evil.example:80 (169.254.169.254): it is a cloud's metadata address, which hands out credentials; if tests may reach it, allow it on the workers with EGRESS_ALLOW=169.254.169.254:80")
	require.EqualError(t, check(t, policy(t, egress.Allowlist), "::1", "[::1]:80"),
		"the egress guard refused [::1]:80: it is an address of the worker's own machine; if tests may reach it, allow it on the workers with EGRESS_ALLOW=[::1]:80")
	require.EqualError(t, check(t, policy(t, egress.Allowlist), "shop.example", "1.1.1.1:443"),
		"the egress guard refused shop.example:443 (1.1.1.1): it is not on the allow-list; if tests may reach it, allow it on the workers with EGRESS_ALLOW=shop.example:443")
}

func TestParseHost(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Shop.Example": "shop.example", "shop.example.": "shop.example", "BÜCHER.example": "xn--bcher-kva.example", "my_host.corp": "my_host.corp",
		"127.0.0.1": "127.0.0.1", "127.1": "127.0.0.1", "127.0.1": "127.0.0.1", "2130706433": "127.0.0.1", "0x7f000001": "127.0.0.1",
		"0x7f.1": "127.0.0.1", "0177.0.0.1": "127.0.0.1", "017700000001": "127.0.0.1", "0x7F.0x0.0x0.0x1": "127.0.0.1", "127.0.0.1.": "127.0.0.1",
		"0": "0.0.0.0", "0x": "0.0.0.0", "0xa9fea9fe": "169.254.169.254", "2852039166": "169.254.169.254", "0251.0376.0251.0376": "169.254.169.254",
		"①②⑦.⓪.⓪.①": "127.0.0.1", "１２７.０.０.１": "127.0.0.1", "127。0。0。1": "127.0.0.1", "ＬＯＣＡＬＨＯＳＴ": "localhost", "ⓛocalhost": "localhost",
		"[::1]": "::1", "::1": "::1", "[0:0:0:0:0:0:0:1]": "::1", "[::ffff:127.0.0.1]": "::ffff:127.0.0.1", "[::ffff:7f00:1]": "::ffff:127.0.0.1",
	} {
		host, err := egress.ParseHost(text)
		require.NoError(t, err, text)
		require.Equal(t, want, host.Name, text)
	}
	for _, text := range []string{
		"", ".", "..", "a..b", "[::1", "::1]", "[127.0.0.1]", "fe80::1%eth0", "[fe80::1%25eth0]", "256.0.0.1", "1.2.3.4.5", "4294967296", "1.2.3.08", "a.0x1.9999999999",
		"127.0.0.1%00.example", "a b", "a/b", "a@b", "a\\b", "a?b", "a#b",
	} {
		_, err := egress.ParseHost(text)
		require.Error(t, err, text)
	}
}

func FuzzParseHost(f *testing.F) {
	for _, seed := range []string{"shop.example.", "0x7f.1", "[::ffff:127.0.0.1]", "bücher.example", "127。0。0。1", "a:b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		host, err := egress.ParseHost(text)
		if err != nil {
			return
		}
		again, err := egress.ParseHost(host.Name)
		require.NoError(t, err, host.Name)
		require.Equal(t, host.Name, again.Name)
		require.Equal(t, host.Addr, again.Addr)
	})
}
