package bullmq_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/redisbridge/bullmq"
)

// TestScriptsNameTheirKeys checks that a command uses as many keys as its file's name says, and that its header
// describes each of them.
func TestScriptsNameTheirKeys(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("lua")
	require.NoError(t, err)
	named := regexp.MustCompile(`^[a-z]+-(\d+)\.lua$`)
	commands := 0
	for _, file := range files {
		if file.IsDir() {
			continue
		}
		commands++
		parts := named.FindStringSubmatch(file.Name())
		require.NotNil(t, parts, file.Name())
		count, err := strconv.Atoi(parts[1])
		require.NoError(t, err)
		text, err := os.ReadFile("lua/" + file.Name())
		require.NoError(t, err)

		used := map[string]bool{}
		for _, key := range regexp.MustCompile(`KEYS\[(\d+)\]`).FindAllStringSubmatch(string(text), -1) {
			used[key[1]] = true
		}
		require.Len(t, used, count, file.Name())
		header, _, _ := strings.Cut(string(text), "\n\n")
		for n := 1; n <= count; n++ {
			require.True(t, used[strconv.Itoa(n)], "%s: KEYS[%d]", file.Name(), n)
			require.Regexp(t, `\b`+strconv.Itoa(n)+` (the|its|[a-z-]+)`, header, "%s: KEYS[%d]", file.Name(), n)
		}
		for _, part := range []string{"KEYS", "ARGV", "Out", "Events"} {
			require.Contains(t, header, "-- "+part)
		}
		require.NotContains(t, string(text), "cjson.encode", "%s writes JSON: what it read is not what it would write", file.Name())
	}
	require.GreaterOrEqual(t, commands, 4)
}

// TestScriptsAreLoadedInTheSameRoundTrip: a Redis that forgot the scripts takes a whole batch in order.
func TestScriptsAreLoadedInTheSameRoundTrip(t *testing.T) {
	t.Parallel()
	alone := setupAlone(t)
	for range 20 {
		require.NoError(t, alone.rdb.ScriptFlush(t.Context()).Err())
		alone.apply(wholeLife("job-" + strconv.FormatInt(prefixes.Add(1), 10))...)
	}
	require.Len(t, alone.set(alone.keys.Completed()), 20)
}

func TestProjectorIsSharedByGoroutines(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 20 {
				results, err := b.projector.Apply(t.Context(), b.queue, wholeLife(strconv.Itoa(i)+"-"+strconv.Itoa(n)))
				if err != nil || results[0].Outcome != bullmq.Projected {
					t.Errorf("applying: %v %v", results, err)
					return
				}
			}
		})
	}
	group.Wait()
	require.Len(t, b.set(b.keys.Completed()), 160)
	require.Empty(t, b.list(b.keys.Waiting()))
}
