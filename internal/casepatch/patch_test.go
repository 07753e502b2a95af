package casepatch_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/internal/casepatch"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

const recorded = `{
  "title": "Recorded",
  "steps": [
    {
      "type": "navigate",
      "url": "http://shop.test/"
    },
    {
      "type": "click",
      "selectors": [
        [
          "#old"
        ],
        [
          "#host",
          "b"
        ]
      ],
      "offsetX": 9.50,
      "offsetY": 1e1
    },
    { "type": "hover", "selectors": ["#menu", "text/Menu"], "x-note": "\u00e9" },
    {"type": "click", "selector": "#one"},
    {"type": "customStep", "name": "check", "parameters": {"selectors": "#box"}},
    {"type": "customStep", "name": "runCase", "parameters": {"case": {"title": "Inner", "steps": [
      {"type": "click", "selectors": [ [ "#inner" ] ]}
    ]}}},
    {"type": "customStep", "name": "runCase", "parameters": {"id": "stored"}},
    {"type": "click", "selectors": ["#last"]}
  ]
}`

func stored(context.Context, string) ([]byte, bool, error) {
	return []byte(`{"title": "Stored", "steps": [{"type": "click", "selectors": ["#stored"]}]}`), true, nil
}

// betterAt is something better for a step of the plan.
func betterAt(t *testing.T, text string, number int, selectors ...[]string) casepatch.Better {
	t.Helper()
	c, err := testcase.Parse([]byte(text))
	require.NoError(t, err)
	parts, err := c.Plan(t.Context(), stored)
	require.NoError(t, err)
	var all []testcase.Step
	for _, part := range parts {
		all = append(all, part.Steps...)
	}
	return casepatch.Better{Step: number, Hash: all[number-1].TargetHash(), Selectors: selectors}
}

func makePatch(t *testing.T, text string, better ...casepatch.Better) casepatch.Result {
	t.Helper()
	whole, err := testcase.Parse([]byte(text))
	require.NoError(t, err)
	r, err := casepatch.Make(t.Context(), []byte(text), whole, stored, better)
	require.NoError(t, err)
	return r
}

func TestOnlySelectorsChange(t *testing.T) {
	t.Parallel()
	r := makePatch(t, recorded,
		betterAt(t, recorded, 2, []string{"text/Buy <now> & \"here\""}, []string{"#host", "c"}),
		betterAt(t, recorded, 3, []string{"aria/Menu"}), betterAt(t, recorded, 4, []string{"text/One"}),
		betterAt(t, recorded, 5, []string{"aria/Box"}), betterAt(t, recorded, 7, []string{"text/Inner"}),
		betterAt(t, recorded, 10, []string{"#host", "last"}),
		betterAt(t, recorded, 9, []string{"text/Stored"}),
		casepatch.Better{Step: 1, Hash: "other", Selectors: [][]string{{"#x"}}}, casepatch.Better{Step: 44, Hash: "other"},
	)
	want := strings.NewReplacer(
		`      "selectors": [
        [
          "#old"
`, `      "selectors": [
        [
          "text/Buy <now> & \"here\""
        ],
        [
          "#host",
          "c"
        ],
        [
          "#old"
`,
		`["#menu"`, `["aria/Menu", "#menu"`,
		`"selector": "#one"`, `"selectors": ["text/One", "#one"]`,
		`"selectors": "#box"`, `"selectors": ["aria/Box", "#box"]`,
		`[ [ "#inner" ] ]`, `[ [ "text/Inner" ], [ "#inner" ] ]`,
		`["#last"]`, `[["#host", "last"], "#last"]`,
	).Replace(recorded)
	require.Equal(t, want, string(r.Text))
	require.Equal(t, []casepatch.Left{
		{1, "step 1 was changed since, or is another one now"},
		{9, `step 9 is one of the case "Stored", which this one runs: it is not in this text`},
		{44, "the case has no step 44 any more"},
	}, r.Left)
	require.Len(t, r.Steps, 6)
	require.Equal(t, [][]string{{"aria/Menu"}}, r.Steps[1].Added)
}

func TestWhatIsBetterComesFirst(t *testing.T) {
	t.Parallel()
	text := `{"title": "Rows", "data": [{"a": "1"}, {"a": "2"}], "steps": [{"type": "scroll"}, {"type": "click", "selectors": ["#a"]}]}`
	first, second := betterAt(t, text, 2, []string{"#promoted"}, []string{"#a"}), betterAt(t, text, 4, []string{"#proposed"}, []string{"#promoted"})
	r := makePatch(t, text, first, second)
	require.Contains(t, string(r.Text), `["#promoted", "#proposed", "#a"]`, "a step of another row is the same step")

	again := makePatch(t, string(r.Text), betterAt(t, string(r.Text), 2, []string{"#promoted"}))
	require.Empty(t, again.Diff("x.json"))
	require.Equal(t, "step 2 has all of them already, or no room for more", again.Left[0].Reason)
	stale := makePatch(t, string(r.Text), first)
	require.Equal(t, "step 2 was changed since, or is another one now", stale.Left[0].Reason)
	require.Equal(t, string(r.Text), string(stale.Text))
}

// TestPatchesApply has git and patch judge the diff.
func TestPatchesApply(t *testing.T) {
	t.Parallel()
	long := strings.Replace(recorded, `    {"type": "click", "selector": "#one"},`, strings.Repeat("    {\"type\": \"scroll\"},\n", 9)+`    {"type": "click", "selector": "#one"},`, 1)
	for name, text := range map[string]string{
		"no newline at its end": recorded, "a newline at its end": recorded + "\n", "CRLF": strings.ReplaceAll(recorded, "\n", "\r\n") + "\r\n",
		"byte order mark": "\xef\xbb\xbf" + recorded + "\n", "far apart": long, "one line": `{"title": "t", "steps": [{"type": "scroll"}, {"type": "click", "selectors": [["#a"]]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			better := []casepatch.Better{betterAt(t, text, 2, []string{"text/Kaufen für 5 €"}, []string{"#x"})}
			if name == "far apart" {
				better = append(better, betterAt(t, text, 13, []string{"text/One"}))
			}
			r := makePatch(t, text, better...)
			for _, tool := range [][]string{{"git", "apply", "--whitespace=nowarn"}, {"patch", "-p1", "--binary", "--no-backup-if-mismatch"}} {
				if _, err := exec.LookPath(tool[0]); err != nil && os.Getenv("CI") == "" {
					t.Skipf("%s is not installed", tool[0])
				}
				dir := t.TempDir()
				file := filepath.Join("my cases", "buy.json")
				require.NoError(t, os.Mkdir(filepath.Join(dir, "my cases"), 0o700))
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
				diff := r.Diff(file)
				cmd := exec.CommandContext(t.Context(), tool[0], tool[1:]...)
				cmd.Dir, cmd.Stdin = dir, strings.NewReader(diff)
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s\n%s", out, diff)
				got, err := os.ReadFile(filepath.Join(dir, file))
				require.NoError(t, err)
				require.Equal(t, string(r.Text), string(got))
				require.NotEqual(t, text, string(got))
			}
		})
	}
}

func TestDiffIsSmall(t *testing.T) {
	t.Parallel()
	r := makePatch(t, recorded, betterAt(t, recorded, 2, []string{"text/Buy"}))
	require.Equal(t, `--- a/buy.json
+++ b/buy.json
@@ -8,6 +8,9 @@
     {
       "type": "click",
       "selectors": [
+        [
+          "text/Buy"
+        ],
         [
           "#old"
         ],
`, r.Diff("buy.json"))
}
