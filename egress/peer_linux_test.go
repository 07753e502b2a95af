package egress_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/egress"
)

// strangerVariable makes the test binary somebody else's program, which asks a
// proxy for a tunnel. It holds the proxy's address.
const strangerVariable = "EGRESS_TEST_STRANGER"

func TestMain(m *testing.M) {
	if proxy := os.Getenv(strangerVariable); proxy != "" {
		os.Exit(beStranger(proxy))
	}
	os.Exit(m.Run())
}

// beStranger exits with 0 if the proxy answers, with 3 if it hangs up.
func beStranger(proxy string) int {
	conn, err := net.Dial("tcp", proxy)
	if err != nil {
		return 2
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("CONNECT 10.0.0.1:80 HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		return 2
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return 2
	}
	if n, _ := conn.Read(make([]byte, 1)); n == 0 {
		return 3
	}
	return 0
}

func TestOnlyTheWorkersUserMayUseTheProxy(t *testing.T) {
	t.Parallel()
	p := open(t, egress.NewGuard(policy(t, egress.Public), nil))
	run := func(uid uint32) int {
		// Others may not enter the folder that the test's own program is in.
		program := exec.Command("/proc/self/fd/3")
		file, err := os.Open(os.Args[0])
		require.NoError(t, err)
		defer func() { require.NoError(t, file.Close()) }()
		program.ExtraFiles = []*os.File{file}
		program.Env = []string{strangerVariable + "=" + strings.TrimPrefix(p.URL(), "http://")}
		if uid != uint32(os.Geteuid()) {
			program.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		}
		out, err := program.CombinedOutput()
		require.NotNil(t, program.ProcessState, "%s %s", out, err)
		return program.ProcessState.ExitCode()
	}
	require.Zero(t, run(uint32(os.Geteuid())))
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	require.Equal(t, 3, run(65534))
}
