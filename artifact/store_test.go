package artifact_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cinnamon-qa/cinnamon/artifact"
)

// everyStore runs a test with each kind of store.
func everyStore(t *testing.T, test func(*testing.T, artifact.Store)) {
	t.Helper()
	for name, open := range map[string]func(*testing.T) artifact.Store{"folder": openFolder, "s3": openBucket} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func object(name string) artifact.Object {
	return artifact.Object{RunID: "run-1", Name: name, ContentType: "text/plain", MaxBytes: 1 << 20}
}

func put(t *testing.T, s artifact.Store, o artifact.Object, content string) artifact.File {
	t.Helper()
	// Not a reader that can go back: the store has to cope.
	file, err := s.Put(t.Context(), o, io.MultiReader(strings.NewReader(content)))
	require.NoError(t, err)
	return file
}

func read(t *testing.T, s artifact.Store, name string) string {
	t.Helper()
	r, err := s.Open(t.Context(), name)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	require.EqualValues(t, len(data), r.Size())
	return string(data)
}

func TestFilesAreKept(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, s artifact.Store) {
		file := put(t, s, object("step-1.png"), "a picture")
		sum := sha256.Sum256([]byte("a picture"))
		require.Equal(t, artifact.File{Path: file.Path, Bytes: 9, SHA256: hex.EncodeToString(sum[:])}, file)
		require.Equal(t, "a picture", read(t, s, file.Path))
		r, err := s.Open(t.Context(), file.Path)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), r.ModTime(), time.Hour)
		require.NoError(t, r.Close())

		again := put(t, s, object("step-1.png"), "another")
		require.Equal(t, file.Path, again.Path)
		require.Equal(t, "another", read(t, s, file.Path))
		empty := put(t, s, object("empty.log"), "")
		require.Empty(t, read(t, s, empty.Path))

		list, err := s.List(t.Context(), "run-1")
		require.NoError(t, err)
		require.Equal(t, []artifact.File{{Path: empty.Path}, {Path: file.Path, Bytes: 7}}, list)
		require.NoError(t, s.Delete(t.Context(), file.Path))
		require.NoError(t, s.Delete(t.Context(), file.Path))
		_, err = s.Open(t.Context(), file.Path)
		require.ErrorIs(t, err, artifact.ErrNotFound)
		list, err = s.List(t.Context(), "run-1")
		require.NoError(t, err)
		require.Len(t, list, 1)
		list, err = s.List(t.Context(), "run-2")
		require.NoError(t, err)
		require.Empty(t, list)
	})
}

// TestAllFilesAreWalked has more files than a server lists at once.
func TestAllFilesAreWalked(t *testing.T) {
	t.Parallel()
	const many = 1001
	everyStore(t, func(t *testing.T, s artifact.Store) {
		var putting errgroup.Group
		putting.SetLimit(16)
		for i := range many {
			putting.Go(func() error {
				_, err := s.Put(t.Context(), artifact.Object{RunID: fmt.Sprintf("run-%d", i%7), Name: fmt.Sprintf("%d.log", i), MaxBytes: 10}, strings.NewReader("four"))
				return err
			})
		}
		require.NoError(t, putting.Wait())
		began := time.Now()
		seen, calls := map[string]bool{}, 0
		visit := func(page []artifact.Stored) error {
			calls++
			for _, f := range page {
				require.False(t, seen[f.Path], f.Path)
				require.NoError(t, artifact.CheckPath(f.Path))
				require.EqualValues(t, 4, f.Bytes)
				require.WithinDuration(t, began, f.ModTime, time.Minute)
				seen[f.Path] = true
			}
			return nil
		}
		require.NoError(t, s.Walk(t.Context(), visit))
		require.Len(t, seen, many)
		require.Greater(t, calls, 1)
		for path := range seen {
			require.NoError(t, s.Delete(t.Context(), path)) // what is walked can be deleted
			break
		}
		seen = map[string]bool{}
		require.NoError(t, s.Walk(t.Context(), visit))
		require.Len(t, seen, many-1)

		stop := errors.New("enough")
		require.ErrorIs(t, s.Walk(t.Context(), func([]artifact.Stored) error { return stop }), stop)
	})
}

func TestFilesAreReadInParts(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, s artifact.Store) {
		content := strings.Repeat("0123456789", 50_000)
		file := put(t, s, object("video.webm"), content)
		r, err := s.Open(t.Context(), file.Path)
		require.NoError(t, err)
		defer func() { require.NoError(t, r.Close()) }()
		require.NoError(t, iotest.TestReader(io.NewSectionReader(readerAt{r}, 0, 1000), []byte(content[:1000])))
		for _, at := range []int64{0, 123_456, 499_990, 17} {
			_, err := r.Seek(at, io.SeekStart)
			require.NoError(t, err)
			part := make([]byte, 10)
			_, err = io.ReadFull(r, part)
			require.NoError(t, err)
			require.Equal(t, content[at:at+10], string(part))
		}
		end, err := r.Seek(-5, io.SeekEnd)
		require.NoError(t, err)
		require.EqualValues(t, len(content)-5, end)
		rest, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, "56789", string(rest))
	})
}

// readerAt reads anywhere by seeking.
type readerAt struct{ io.ReadSeeker }

func (r readerAt) ReadAt(p []byte, at int64) (int, error) {
	if _, err := r.Seek(at, io.SeekStart); err != nil {
		return 0, err
	}
	return io.ReadFull(r, p)
}

func TestHalfWrittenFilesDoNotAppear(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, s artifact.Store) {
		old := put(t, s, object("trace.zip"), "old")
		large := object("trace.zip")
		large.MaxBytes = 10
		_, err := s.Put(t.Context(), large, strings.NewReader("01234567890"))
		require.ErrorIs(t, err, artifact.ErrTooLarge)
		require.ErrorContains(t, err, "10 bytes")
		put(t, s, artifact.Object{RunID: "run-1", Name: "fits", MaxBytes: 10}, "0123456789")

		broken := errors.New("the source broke off")
		_, err = s.Put(t.Context(), object("trace.zip"), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)))
		require.ErrorIs(t, err, broken)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = s.Put(ctx, object("trace.zip"), strings.NewReader("whole"))
		require.ErrorIs(t, err, context.Canceled)

		require.Equal(t, "old", read(t, s, old.Path))
		list, err := s.List(t.Context(), "run-1")
		require.NoError(t, err)
		require.Len(t, list, 2)
	})
}

// TestWritersDoNotMix is about folders: in a bucket a file is one request, and it is the server that keeps two apart. S3rver,
// which stands for one here, does not always.
func TestWritersDoNotMix(t *testing.T) {
	t.Parallel()
	s := openFolder(t)
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			_, err := s.Put(t.Context(), object("same"), bytes.NewReader(bytes.Repeat([]byte{byte('a' + i)}, 100_000)))
			if err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	file, err := object("same").Path()
	require.NoError(t, err)
	content := read(t, s, file)
	require.Equal(t, strings.Repeat(content[:1], 100_000), content)
}

func TestNothingElseIsReached(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, s artifact.Store) {
		for _, o := range []artifact.Object{
			{RunID: "../../run", Name: "x"},
			{RunID: "run", Name: "../x"},
			{RunID: "run", Name: ""},
			{RunID: "", Name: "x"},
			{RunID: "run", Name: "."},
			{RunID: "run", Name: "a/b"},
			{RunID: "run", Name: "a\x00b"},
			{RunID: "run", Name: strings.Repeat("a", 256)},
		} {
			_, err := s.Put(t.Context(), o, strings.NewReader(""))
			require.Error(t, err)
		}
		file := put(t, s, object("x"), "x")
		for _, name := range []string{
			"../secret", "/etc/hostname", "", ".", "partial", path.Dir(file.Path), "/" + file.Path, file.Path + "/", file.Path + "/..",
			"runs/00/run-1/x", strings.Replace(file.Path, "run-1", "run-1/.", 1),
		} {
			_, err := s.Open(t.Context(), name)
			require.ErrorIs(t, err, artifact.ErrNotFound, name)
			require.Error(t, s.Delete(t.Context(), name), name)
		}
		_, err := s.List(t.Context(), "..")
		require.Error(t, err)
		require.Equal(t, "x", read(t, s, file.Path))
	})
}

func TestServerThatIsAwayIsNamed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	s := bucketAt(t, server.URL, "nobody", "hush")
	_, err := s.Put(t.Context(), object("x"), strings.NewReader("x"))
	require.ErrorContains(t, err, strings.TrimPrefix(server.URL, "http://"))
	require.NotContains(t, err.Error(), "hush")
	require.NotErrorIs(t, err, artifact.ErrNotFound)
}

func TestServerRefusesStrangers(t *testing.T) {
	t.Parallel()
	right := openBucket(t)
	file := put(t, right, object("x"), "x")
	stranger := bucketAt(t, testBucket(t).endpoint, "stranger", "hush")
	_, err := stranger.Put(t.Context(), object("x"), strings.NewReader("y"))
	require.ErrorContains(t, err, "InvalidAccessKeyId")
	require.NotErrorIs(t, err, artifact.ErrNotFound)
	require.Equal(t, "x", read(t, right, file.Path))
}
