package activities

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/cinnamon-qa/cinnamon/browser"
	"github.com/cinnamon-qa/cinnamon/healing"
	"github.com/cinnamon-qa/cinnamon/store"
)

const (
	// mostSnapshot bounds a page that is kept, compressed; mostSnapshots those of an attempt. largestSnapshot is what one may have when
	// it is read again.
	mostSnapshot    = 512 << 10
	mostSnapshots   = 8 << 20
	largestSnapshot = 64 << 20
)

// note keeps what a step's element and its page looked like, until the attempt has passed. A page that is too large is not kept:
// without it, nothing is healed.
func (h *adapter) note(key store.StepKey, sight browser.Sight) {
	element := sight.Elements[sight.Target]
	seen := store.Seen{Step: key, Target: sight.Target}
	var err error
	if seen.Fingerprint, err = json.Marshal(element); err != nil {
		h.log.Warn("what an element looks like could not be kept", "step", key.Number, "error", err)
		return
	}
	var locators []healing.Locator
	if sight.Cut == "" {
		locators = healing.NewPage(sight.Elements).Locators(sight.Target)
		if seen.Page, err = pack(sight.Elements); err != nil {
			h.log.Warn("what a page looks like could not be kept", "step", key.Number, "error", err)
		}
	}
	if seen.Locators, err = json.Marshal(locators); err != nil {
		seen.Locators = json.RawMessage("[]")
	}
	kept := 0
	for _, other := range h.seen {
		kept += len(other.Page.Data)
	}
	if len(seen.Page.Data) > mostSnapshot || kept+len(seen.Page.Data) > mostSnapshots {
		seen.Page = store.Snapshot{}
	}
	h.seen = append(h.seen, seen)
}

// pack makes a page small.
func pack(elements []healing.Fingerprint) (store.Snapshot, error) {
	text, err := json.Marshal(elements)
	if err != nil {
		return store.Snapshot{}, fmt.Errorf("encoding a page: %w", err)
	}
	var data bytes.Buffer
	w, err := gzip.NewWriterLevel(&data, gzip.BestSpeed)
	if err != nil {
		return store.Snapshot{}, fmt.Errorf("compressing a page: %w", err)
	}
	if _, err := w.Write(text); err != nil {
		return store.Snapshot{}, fmt.Errorf("compressing a page: %w", err)
	}
	if err := w.Close(); err != nil {
		return store.Snapshot{}, fmt.Errorf("compressing a page: %w", err)
	}
	digest := sha256.Sum256(text)
	return store.Snapshot{Digest: digest[:], Elements: len(elements), Data: data.Bytes()}, nil
}

var errNoPage = errors.New("the page where it was seen last was too large to be kept")

// unpack reads a page again.
func unpack(s store.Snapshot) ([]healing.Fingerprint, error) {
	if len(s.Data) == 0 {
		return nil, errNoPage
	}
	r, err := gzip.NewReader(bytes.NewReader(s.Data))
	if err != nil {
		return nil, fmt.Errorf("reading the page where it was seen last: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(r, largestSnapshot))
	if err != nil {
		return nil, fmt.Errorf("reading the page where it was seen last: %w", err)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("reading the page where it was seen last: %w", err)
	}
	elements := make([]healing.Fingerprint, len(raw))
	for i := range raw {
		if elements[i], err = healing.Parse(raw[i]); err != nil {
			return nil, err
		}
	}
	return elements, nil
}
