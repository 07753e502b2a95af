package testsite

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const sniffBytes = 512 // what http.DetectContentType looks at

// A problem is a page that says what went wrong.
type problem struct {
	Title string
	Text  string
}

func (v *visit) notFound() {
	v.render(http.StatusNotFound, "problem", problem{
		Title: "We could not find that page", Text: "It may have been moved, or it was never here.",
	})
}

func (v *visit) fail() {
	v.render(http.StatusInternalServerError, "problem", problem{
		Title: "Something went wrong", Text: "The kitchen is on fire. Please try again in a minute.",
	})
}

// broken answers with a page whose script throws before it has loaded anything.
func (v *visit) broken() { v.render(http.StatusOK, "broken", nil) }

func (v *visit) showTerms() { v.render(http.StatusOK, "terms", nil) }

func (v *visit) showKitchen() { v.render(http.StatusOK, "kitchen", nil) }

// slow answers after ?ms=, three seconds by default and fifteen at most.
func (v *visit) slow() {
	pause := slowDefault
	if asked := v.r.URL.Query().Get("ms"); asked != "" {
		ms, err := strconv.Atoi(asked)
		if err != nil || ms < 0 {
			v.render(http.StatusBadRequest, "problem", problem{
				Title: "How slow should it be?", Text: "ms is a number of milliseconds.",
			})
			return
		}
		pause = time.Duration(min(ms, int(slowMax.Milliseconds()))) * time.Millisecond
	}
	if v.wait(pause) {
		v.render(http.StatusOK, "slow", pause.Milliseconds())
	}
}

// A giftPage is the upload form and what came of it.
type giftPage struct {
	Error string
	Photo *photo
}

// A photo is what the shop remembers of an upload: nothing but this answer.
type photo struct {
	Name string
	Type string
	Size int64
}

func (v *visit) showGift() { v.render(http.StatusOK, "gift", giftPage{}) }

func (v *visit) uploadPhoto() {
	// Room for the multipart framing, so that a photo of exactly the limit is accepted.
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxPhotoBytes+maxFormBytes)
	received, err := v.receivePhoto()
	switch {
	case err == nil:
		v.render(http.StatusOK, "gift", giftPage{Photo: received})
	case errors.Is(err, errNotAPhoto):
		v.render(http.StatusUnsupportedMediaType, "gift", giftPage{Error: err.Error()})
	case errors.Is(err, errTooLarge):
		v.render(http.StatusRequestEntityTooLarge, "gift", giftPage{Error: err.Error()})
	default:
		v.render(http.StatusUnprocessableEntity, "gift", giftPage{Error: errNoPhoto.Error()})
	}
}

// Why a photo is refused; customers read these.
var (
	errNoPhoto   = errors.New("choose a photo first")
	errTooLarge  = errors.New("the photo is larger than 5 MB")
	errNotAPhoto = errors.New("this file is not a PNG, JPEG, GIF or WebP image")
)

// receivePhoto reads the upload as a stream and keeps none of it.
func (v *visit) receivePhoto() (*photo, error) {
	parts, err := v.r.MultipartReader()
	if err != nil {
		return nil, fmt.Errorf("reading the upload: %w", err)
	}
	for {
		part, err := parts.NextPart()
		if err != nil {
			return nil, readError(err)
		}
		if part.FormName() == v.fieldName("photo") && part.FileName() != "" {
			return measure(part)
		}
	}
}

// measure finds out what a browser could lie about: the type and the size.
func measure(part *multipart.Part) (*photo, error) {
	body := bufio.NewReaderSize(part, sniffBytes)
	head, err := body.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, readError(err)
	}
	kind := http.DetectContentType(head)
	size, err := io.Copy(io.Discard, body)
	switch {
	case err != nil:
		return nil, readError(err)
	case size > maxPhotoBytes:
		return nil, errTooLarge
	case !slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, kind):
		return nil, errNotAPhoto
	}
	return &photo{Name: part.FileName(), Type: kind, Size: size}, nil
}

func readError(err error) error {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return errTooLarge
	}
	return fmt.Errorf("reading the upload: %w", err)
}

// SizeText is the size as people write it.
func (p photo) SizeText() string {
	if p.Size < 1024 {
		return fmt.Sprintf("%d bytes", p.Size)
	}
	return fmt.Sprintf("%.1f KB", float64(p.Size)/1024)
}
