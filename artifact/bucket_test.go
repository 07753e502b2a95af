package artifact_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/artifact"
	"github.com/cinnamon-qa/cinnamon/artifact/s3"
)

// bucket is where the tests of the S3 store work. The server that they start by themselves checks who we are, but not our
// signatures; CINNAMON_TEST_S3_ENDPOINT, _BUCKET, _KEY and _SECRET name another one, such as MinIO or versitygw, which do.
type bucket struct{ endpoint, name, id, secret string }

var server struct {
	once   sync.Once
	bucket bucket
	err    error
	stop   func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	if server.stop != nil {
		server.stop()
	}
	os.Exit(code)
}

// openBucket returns a store under a prefix of its own.
func openBucket(t *testing.T) artifact.Store {
	t.Helper()
	b := testBucket(t)
	return bucketAt(t, b.endpoint, b.id, b.secret)
}

func bucketAt(t *testing.T, endpoint, id, secret string) artifact.Store {
	t.Helper()
	name := "artifacts"
	if server.bucket.name != "" {
		name = server.bucket.name
	}
	s, err := s3.Open(s3.Config{
		Endpoint: endpoint, Region: "us-east-1", Bucket: name, Prefix: "tests/" + uuid.NewString(), AccessKeyID: id,
		SecretAccessKey: secret, PathStyle: true,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// testBucket starts the server once. Without it a test is skipped with a hint, or fails in CI.
func testBucket(t *testing.T) bucket {
	t.Helper()
	server.once.Do(startServer)
	if server.err != nil && os.Getenv("CI") == "" {
		t.Skip(server.err)
	}
	require.NoError(t, server.err)
	return server.bucket
}

func startServer() {
	if endpoint := os.Getenv("CINNAMON_TEST_S3_ENDPOINT"); endpoint != "" {
		server.bucket = bucket{endpoint, os.Getenv("CINNAMON_TEST_S3_BUCKET"), os.Getenv("CINNAMON_TEST_S3_KEY"), os.Getenv("CINNAMON_TEST_S3_SECRET")}
		return
	}
	program := filepath.Join("s3", "testdata", "s3rver")
	if _, err := os.Stat(filepath.Join(program, "node_modules")); err != nil {
		server.err = fmt.Errorf("there is no S3 server for the tests: run scripts/setup.sh test (%w)", err)
		return
	}
	folder, err := os.MkdirTemp("", "cinnamon-s3-*")
	if err != nil {
		server.err = err
		return
	}
	cmd := exec.Command("node", "--openssl-legacy-provider", "serve.cjs", folder) // its tokens of pages are enciphered by an old cipher
	cmd.Dir, cmd.Stderr = program, os.Stderr
	input, inErr := cmd.StdinPipe()
	output, outErr := cmd.StdoutPipe()
	if server.err = firstOf(inErr, outErr, cmd.Start()); server.err != nil {
		return
	}
	server.stop = func() {
		_ = input.Close() // ends it
		_, _ = io.Copy(io.Discard, output)
		_ = cmd.Wait()
		_ = os.RemoveAll(folder)
	}
	port, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		server.err = fmt.Errorf("starting the S3 server: %w", err)
		return
	}
	server.bucket = bucket{"http://127.0.0.1:" + strings.TrimSpace(port), "artifacts", "S3RVER", "S3RVER"}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
