package pwgo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mxschmitt/playwright-go"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/healing"
	"github.com/cinnamon-qa/cinnamon/secret"
	"github.com/cinnamon-qa/cinnamon/testcase"
)

const (
	// glance bounds what a step spends on describing its page, longLook what healing spends on each frame.
	glance   = 300 * time.Millisecond
	longLook = 1500 * time.Millisecond
	// lookGrace is what the driver may take beside that.
	lookGrace = 3 * time.Second
	// mostFrames is how many frames of a tab are described.
	mostFrames = 20
	// uncutText is the bound of texts while secrets are known: what is cut in two can't be recognised.
	uncutText = 4000
)

// lookQuery is what look.js reads.
type lookQuery struct {
	Mode     string         `json:"mode"`
	Query    *selectorQuery `json:"query,omitempty"`
	Text     int            `json:"text,omitempty"`
	Elements int            `json:"elements"`
	MS       int64          `json:"ms,omitempty"`
	Chosen   bool           `json:"chosen,omitempty"`

	Shadow       []string         `json:"shadow,omitempty"`
	XPath        string           `json:"xpath,omitempty"`
	Alternatives [][]selectorPart `json:"alternatives,omitempty"`
	Want         want             `json:"want,omitempty"`
}

// lookAnswer is what look.js answers.
type lookAnswer struct {
	Elements []healing.Fingerprint `json:"elements"`
	Target   int                   `json:"target"`
	Found    []bool                `json:"found"`
	Cut      string                `json:"cut"`

	There bool                `json:"there"`
	Print healing.Fingerprint `json:"print"`
	Only  []bool              `json:"only"`

	Control *struct {
		XPath  string   `json:"xpath"`
		Shadow []string `json:"shadow"`
	} `json:"control"`
	Caption string `json:"caption"`
	Overlay string `json:"overlay"`
	Why     string `json:"why"`
}

// lookFor writes a selector for the engine of look.js.
func lookFor(q lookQuery) string {
	body, _ := json.Marshal(q) //nolint:errchkjson // it holds texts and numbers
	return lookName + "=" + string(body)
}

// placeOf finds an element by where it is.
func placeOf(f healing.Fingerprint) lookQuery {
	return lookQuery{Mode: "at", Shadow: f.Shadow, XPath: f.XPath}
}

// nothing is what a session saw that did not look.
func nothing() browser.Sight { return browser.Sight{Target: -1, Chosen: -1} }

// ask asks look.js about a frame.
func (s *session) ask(f playwright.Frame, q lookQuery, within time.Duration) (lookAnswer, error) {
	known := s.known()
	q.Text = healing.MaxText
	if !known.Empty() {
		q.Text = uncutText
	}
	text, err := f.Locator(lookFor(q)).TextContent(playwright.LocatorTextContentOptions{Timeout: new(float64(max(within.Milliseconds(), 1)))})
	if err != nil {
		return lookAnswer{}, err
	}
	a := lookAnswer{Target: -1}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return a, fmt.Errorf("reading what the page shows: %w", err)
	}
	for i := range a.Elements {
		a.Elements[i] = redacted(a.Elements[i], known)
	}
	a.Print = redacted(a.Print, known)
	a.Caption, a.Overlay, a.Why = known.Redact(a.Caption), known.Redact(a.Overlay), known.Redact(a.Why)
	return a, nil
}

// known are the values that nobody is to read, of steps and of password fields.
func (s *session) known() *secret.Redactor {
	if s.record != nil {
		return s.record.masks.redactor()
	}
	return newMasks(s.redactor, s.options.Record.Secrets).redactor()
}

// redacted is a fingerprint without secrets, within its bounds.
func redacted(f healing.Fingerprint, known *secret.Redactor) healing.Fingerprint {
	if !known.Empty() {
		for _, text := range []*string{
			&f.ID, &f.Name, &f.Class, &f.Type, &f.Alt, &f.Title, &f.Placeholder, &f.Autocomplete, &f.TestID, &f.Href, &f.Value, &f.AccessibleName, &f.Label,
			&f.Text, &f.Heading, &f.IDPath, &f.Neighbours.Above, &f.Neighbours.Below, &f.Neighbours.Left, &f.Neighbours.Right, &f.Neighbours.Around,
		} {
			if *text != "" {
				*text = known.Redact(*text)
			}
		}
	}
	return f.Bounded()
}

// takeAim finds the element that the step is aimed at, and looks at it if that is asked for.
func (r *run) takeAim() error {
	if r.aim.At != nil {
		frame, ok := r.session.looked[frameKey(r.aim.At.Frame)]
		if !ok || frame.IsDetached() {
			return failure(browser.NotFound, nil, "the frame of the element is not there any more")
		}
		r.frame = frame
		r.step.OffsetX, r.step.OffsetY = nil, nil // where the pointer was is of the old element
		if len(r.aim.Only) > 0 {
			r.step.Selectors = r.aim.Only
		}
	}
	if len(r.step.Selectors) == 0 {
		return nil
	}
	r.step.Selectors = append(slices.Clone(r.aim.First), r.step.Selectors...)
	if r.aim.Look || r.aim.Chosen {
		r.describe()
	}
	return nil
}

// wanted is what the step's element must be.
func wanted(step testcase.Step) want {
	if step.Action() == testcase.CustomUploadFile {
		return wantAttached // often hidden behind a button of the page's own
	}
	return wantVisible
}

// describe describes the step's element and its page once it is there. Whether it is, the step finds out itself.
func (r *run) describe() {
	q := lookQuery{Mode: "page", MS: glance.Milliseconds(), Chosen: r.aim.Chosen}
	q.Query = new(queryFor(r.step.Selectors, wanted(r.step)))
	if r.aim.Look {
		q.Elements = healing.MaxElements
	}
	a, err := r.session.ask(r.frame, q, time.Until(r.deadline))
	if err != nil {
		return
	}
	r.sight.Chosen = chosen(a.Found, len(r.aim.First))
	if !r.aim.Look || a.Target < 0 || a.Target >= len(a.Elements) {
		return
	}
	path, err := r.session.framePath(r.on.page, r.frame)
	if err != nil {
		return
	}
	for i := range a.Elements {
		a.Elements[i].Frame = path
	}
	r.sight.Elements, r.sight.Target, r.sight.Cut = a.Elements, a.Target, a.Cut
}

// chosen is the selector that found the element: one of the step's own, which come after the first ones, if any did.
func chosen(found []bool, first int) int {
	if first < len(found) {
		if own := slices.Index(found[first:], true); own >= 0 {
			return first + own
		}
	}
	return slices.Index(found, true)
}

// pathScript is where a frame stands in its page; hosts of shadow roots come first.
const pathScript = `element => {
	let path = '';
	for (let node = element; node && node.nodeType !== 9; node = node.parentNode || node.host) {
		if (node.nodeType !== 1) continue;
		let index = 1;
		for (let e = node.previousElementSibling; e; e = e.previousElementSibling) if (e.localName === node.localName) index++;
		path = '/' + node.localName + '[' + index + ']' + path;
	}
	return path;
}`

// framePath leads from the page to a frame.
func (s *session) framePath(page playwright.Page, f playwright.Frame) ([]string, error) {
	var path []string
	for f != nil && f != page.MainFrame() && len(path) < healing.MaxDepth {
		element, err := f.FrameElement()
		if err != nil {
			return nil, err
		}
		answer, err := element.Evaluate(pathScript)
		if err != nil {
			return nil, err
		}
		path = append([]string{fmt.Sprint(answer)}, path...)
		f = f.ParentFrame()
	}
	return path, nil
}

func frameKey(path []string) string { return strings.Join(path, "\x00") }

// Look implements browser.Healer.
func (s *session) Look(ctx context.Context) (browser.Sight, error) {
	t := s.shown()
	sight := nothing()
	looked := map[string]playwright.Frame{}
	err := s.call(ctx, func() error {
		frames := []playwright.Frame{t.page.MainFrame()}
		for _, f := range t.page.Frames() {
			if f != frames[0] && !f.IsDetached() {
				frames = append(frames, f)
			}
		}
		if len(frames) > mostFrames {
			sight.Cut = fmt.Sprintf("it has more than %d frames", mostFrames)
			frames = frames[:mostFrames]
		}
		for _, f := range frames {
			path, err := s.framePath(t.page, f)
			if err != nil {
				return err
			}
			q := lookQuery{Mode: "page", MS: longLook.Milliseconds(), Elements: healing.MaxElements - len(sight.Elements)}
			a, err := s.ask(f, q, longLook+lookGrace)
			if err != nil {
				return err
			}
			if sight.Cut == "" {
				sight.Cut = a.Cut
			}
			for i := range a.Elements {
				a.Elements[i].Frame = path
			}
			sight.Elements = append(sight.Elements, a.Elements...)
			looked[frameKey(path)] = f
		}
		return nil
	})
	if err != nil {
		return nothing(), s.redact(s.explain(func() *tab { return t }, err))
	}
	s.looked = looked
	return sight, nil
}
