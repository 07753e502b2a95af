package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/cli"
)

func TestHumane(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0:                              "0ms",
		time.Microsecond:               "1ms",
		340 * time.Millisecond:         "340ms",
		12340 * time.Millisecond:       "12.3s",
		59940 * time.Millisecond:       "59.9s",
		59980 * time.Millisecond:       "1m 00s",
		125 * time.Second:              "2m 05s",
		time.Hour - time.Millisecond:   "1h 00m",
		62*time.Minute + 5*time.Second: "1h 02m",
	} {
		require.Equal(t, want, cli.Humane(d), d.String())
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a b [31mred c", cli.Clean("a\n\tb \x1b[31mred\u202e c"))
	require.Equal(t, "送货 🫖", cli.Clean("送货\r\n🫖"))
	require.Equal(t, "�x", cli.Clean("\xffx"))
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	require.Equal(t, "short", cli.Truncate("short", 5))
	require.Equal(t, "shor…", cli.Truncate("shorter", 5))
	require.Equal(t, "送货…", cli.Truncate("送货地址", 6), "two columns each, none cut in half")
	require.Equal(t, "👨‍👩‍👧…", cli.Truncate("👨‍👩‍👧👨‍👩‍👧", 3), "a family stays one character")
	require.Empty(t, cli.Truncate("x", 0))
}

func TestRow(t *testing.T) {
	t.Parallel()
	runs := []cli.RunForTest{
		{},
		{Status: "running", Attempt: 1, Current: 4, Message: `click "Add to cart"`},
		{Status: "pending", Attempt: 1, Done: 3, Error: "no button \"Pay\""},
		{Status: "running", Attempt: 2, Current: 1},
		{Status: "completed", Attempt: 1, DurationMS: 2340},
		{Status: "completed", Attempt: 2, DurationMS: 2340, Flaky: true},
		{Status: "adapted", Attempt: 1, DurationMS: 2340},
		{Status: "failed", Attempt: 3, Done: 3, DurationMS: 61000, Error: "expected \"12.00\",\nfound \"13.00\""},
		{Status: "cancelled", Attempt: 1, Done: 2},
	}
	var b strings.Builder
	for _, width := range []int{50, 79, 119} {
		for i, run := range runs {
			title := "Buy a shirt"
			if i == 1 {
				title = "送货地址:输入街道和门牌号码,然后检查总价格"
			}
			b.WriteString(cli.RowOf(title, 9, width, run) + "\n")
		}
		b.WriteString("\n")
	}
	golden(t, "rows.txt", b.String())
}

func TestVisible(t *testing.T) {
	t.Parallel()
	statuses := []string{"completed", "pending", "failed", "running", "pending", "running", "completed"}
	for lines, want := range map[int][]int{
		1: {3}, 2: {3, 5}, 3: {1, 3, 5}, 4: {1, 3, 4, 5}, 5: {1, 3, 4, 5, 6}, 9: {0, 1, 2, 3, 4, 5, 6},
	} {
		require.Equal(t, want, cli.VisibleOf(lines, statuses...), "%d lines", lines)
	}
}
