package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// reader implements artifact.Reader: the bytes are asked for when they are read, from where the reader stands.
type reader struct {
	store   *Store
	ctx     context.Context //nolint:containedctx // an io.Reader has no other place for it; lives as long as one download
	key     *string
	etag    *string
	size    int64
	modTime time.Time

	at   int64
	body io.ReadCloser // from at on; nil until something is read
}

func (r *reader) Size() int64        { return r.size }
func (r *reader) ModTime() time.Time { return r.modTime }

// Seek implements io.Seeker.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seeking before the beginning of an artifact")
	}
	if offset == r.at {
		return r.at, nil
	}
	err := r.Close()
	r.at = offset
	return r.at, err
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	if r.body == nil {
		span := fmt.Sprintf("bytes=%d-", r.at)
		out, err := r.store.client.GetObject(r.ctx, &s3.GetObjectInput{
			Bucket: &r.store.cfg.Bucket, Key: r.key, Range: &span, IfMatch: r.etag, // not parts of two versions
		})
		if err != nil {
			return 0, r.store.explain("reading artifact "+*r.key, err)
		}
		r.body = out.Body
	}
	n, err := r.body.Read(p)
	r.at += int64(n)
	if errors.Is(err, io.EOF) && r.at < r.size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.body == nil {
		return nil
	}
	body := r.body
	r.body = nil
	return body.Close()
}
