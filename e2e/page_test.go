package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// page is a Bull Board in a browser.
type page struct {
	t       *testing.T
	browser *client
	url     string
}

// patience is how long the page may take to show something, in milliseconds.
const patience = 45_000

// openBoard starts a Bull Board that reads the queues with a version of the library, and a browser to look at it.
func openBoard(t *testing.T, redisURL, library string, queues ...string) *page {
	t.Helper()
	var listening struct {
		URL string `json:"url"`
	}
	_, first := startNode(t, library, "board.cjs", append([]string{library, redisURL}, queues...)...)
	require.NoError(t, json.Unmarshal(first, &listening))
	browser, _ := startNode(t, "playwright-core", "page.cjs", findBrowser())
	return &page{t: t, browser: browser, url: listening.URL}
}

// findBrowser returns the machine's own browser, if it has one, as the product does; else Playwright's is taken.
func findBrowser() string {
	for _, name := range []string{os.Getenv("BROWSER_EXECUTABLE"), "chromium-headless-shell", "chrome-headless-shell", "chromium", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// do calls a method of what a selector finds, or of the page, and returns its answer.
func (p *page) do(on, method string, args ...any) json.RawMessage {
	p.t.Helper()
	if args == nil {
		args = []any{}
	}
	var answer json.RawMessage
	if failed := p.browser.ask(map[string]any{"on": on, "method": method, "args": args}, &answer); failed != "" {
		p.picture("failed")
		require.Fail(p.t, method+" "+on+": "+failed)
	}
	return answer
}

// picture keeps what the page looks like, where BOARD_PICTURES names a folder.
func (p *page) picture(name string) {
	p.t.Helper()
	folder := os.Getenv("BOARD_PICTURES")
	if folder == "" {
		return
	}
	file := strings.NewReplacer("/", "-", "#", "").Replace(p.t.Name()) + "-" + name + ".png"
	require.Empty(p.t, p.browser.ask(map[string]any{"method": "screenshot", "args": []any{map[string]any{"path": filepath.Join(folder, file)}}}, nil))
}

func (p *page) open(path string) {
	p.t.Helper()
	p.do("", "goto", p.url+path)
}

// list opens the queue's jobs of a status.
func (p *page) list(status string) {
	p.t.Helper()
	p.open("/queue/test-execution?status=" + status)
}

// job opens the page of a job.
func (p *page) job(id, status string) {
	p.t.Helper()
	p.open("/queue/test-execution/" + id + "?status=" + status)
}

func (p *page) click(on string)      { p.t.Helper(); p.do(on, "click") }
func (p *page) fill(on, text string) { p.t.Helper(); p.do(on, "fill", text) }

// sees waits until something is to be seen, gone until it is not any more.
func (p *page) sees(on string) {
	p.t.Helper()
	p.do(on, "waitFor", map[string]any{"state": "visible", "timeout": patience})
}

func (p *page) gone(on string) {
	p.t.Helper()
	p.do(on, "waitFor", map[string]any{"state": "hidden", "timeout": patience})
}

// text returns what is written in something.
func (p *page) text(on string) string {
	p.t.Helper()
	var text string
	require.NoError(p.t, json.Unmarshal(p.do(on, "innerText"), &text))
	return text
}

// press clicks on a button with a text, pick on one of a job's icons.
func (p *page) press(name string) { p.t.Helper(); p.click(`role=button[name="` + name + `"]`) }

func (p *page) pick(name string) {
	p.t.Helper()
	p.do(`:is(main, section) button:not([role=tab]):not([class*=copy]):has(svg)`, "pick", name)
}

// choose takes an entry of the queue's menu.
func (p *page) choose(entry string) {
	p.t.Helper()
	p.click(`:is(main, section) button[aria-haspopup=menu]`)
	p.click(`[role=menuitem]:has-text("` + entry + `")`)
}

// confirm says yes to the question that the page asks.
func (p *page) confirm() {
	p.t.Helper()
	p.click(`[role=alertdialog] >> role=button[name="Confirm"]`)
	p.gone(`[role=alertdialog]`)
}

// shows waits until the page tells how many jobs there are of a status; it writes no 0.
func (p *page) shows(status string, count int) {
	p.t.Helper()
	number := strconv.Itoa(count)
	if count == 0 {
		number = ""
	}
	p.sees(`role=link[name=/^` + status + `\s*` + number + `$/i]`)
}

// troubles returns what went wrong in the page since it was asked last.
func (p *page) troubles() []string {
	p.t.Helper()
	var troubles []string
	require.NoError(p.t, json.Unmarshal(p.do("", "troubles"), &troubles))
	return troubles
}
