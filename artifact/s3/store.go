package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cinnamon-qa/cinnamon/artifact"
)

// Config says where a bucket is and how to get in.
type Config struct {
	// Endpoint is the server's address, with its path if it has one; empty for AWS.
	Endpoint string
	Region   string
	Bucket   string
	// Prefix stands before every key; empty for none.
	Prefix          string
	AccessKeyID     string
	SecretAccessKey string
	// PathStyle puts the bucket into the path of requests instead of the host's name.
	PathStyle bool
}

const (
	// tries is how often a request is made before it counts as failed.
	tries = 3
	// answerWithin bounds the wait for a server that says nothing.
	answerWithin = 30 * time.Second
)

// Store keeps artifacts in a bucket.
type Store struct {
	cfg    Config
	client *s3.Client
	http   *http.Transport
}

var _ artifact.Store = (*Store)(nil)

// Open makes a store of a bucket. It asks the server nothing.
func Open(cfg Config) (*Store, error) {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("opening the artifacts bucket: the program's HTTP transport was replaced")
	}
	transport = transport.Clone()
	transport.ResponseHeaderTimeout = answerWithin
	s := &Store{cfg: cfg, http: transport}
	s.client = s3.New(s3.Options{
		Region:       cfg.Region,
		UsePathStyle: cfg.PathStyle,
		HTTPClient:   &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: cfg.AccessKeyID, SecretAccessKey: cfg.SecretAccessKey}, nil
		}),
		RetryMaxAttempts: tries,
		// Each upload's SHA-256 is part of its signature, which every server checks; the checksums that AWS added later
		// are not known to all.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}, func(o *s3.Options) {
		if cfg.Endpoint != "" {
			o.BaseEndpoint = &cfg.Endpoint
		}
	})
	return s, nil
}

// Close implements artifact.Store.
func (s *Store) Close() error {
	s.http.CloseIdleConnections()
	return nil
}

func (s *Store) key(name string) *string {
	return aws.String(path.Join(s.cfg.Prefix, name))
}

// explain names the bucket, and tells what is missing from what went wrong.
func (s *Store) explain(doing string, err error) error {
	if response, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok && response.HTTPStatusCode() == http.StatusNotFound && !isNoBucket(err) {
		return fmt.Errorf("%s: %w", doing, artifact.ErrNotFound)
	}
	return fmt.Errorf("%s in the bucket %s of %s: %w", doing, s.cfg.Bucket, s.host(), err)
}

func (s *Store) host() string {
	if u, err := url.Parse(s.cfg.Endpoint); err == nil && u.Host != "" {
		return u.Host
	}
	return "AWS"
}

func isNoBucket(err error) bool {
	coded, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err)
	return ok && coded.ErrorCode() == "NoSuchBucket"
}

// Put implements artifact.Store. The body goes to a temporary file first: the signature needs its checksum, a repeated
// request its beginning, and a body that breaks off must leave nothing in the bucket.
func (s *Store) Put(ctx context.Context, o artifact.Object, body io.Reader) (file artifact.File, err error) {
	spool, err := os.CreateTemp("", "cinnamon-artifact-*")
	if err != nil {
		return artifact.File{}, fmt.Errorf("writing artifact %s of run %s: %w", o.Name, o.RunID, err)
	}
	defer func() { err = errors.Join(err, spool.Close(), os.Remove(spool.Name())) }()
	if file, err = artifact.Copy(ctx, spool, o, body); err != nil {
		return artifact.File{}, err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return artifact.File{}, fmt.Errorf("writing artifact %s of run %s: %w", o.Name, o.RunID, err)
	}
	in := &s3.PutObjectInput{
		Bucket: &s.cfg.Bucket, Key: s.key(file.Path), Body: spool, ContentLength: &file.Bytes,
		Metadata: map[string]string{"sha256": file.SHA256},
	}
	if o.ContentType != "" {
		in.ContentType = &o.ContentType
	}
	if _, err := s.client.PutObject(ctx, in); err != nil {
		return artifact.File{}, s.explain("writing artifact "+file.Path, err)
	}
	return file, nil
}

// Open implements artifact.Store.
func (s *Store) Open(ctx context.Context, name string) (artifact.Reader, error) {
	if err := artifact.CheckPath(name); err != nil {
		return nil, err
	}
	head, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.cfg.Bucket, Key: s.key(name)})
	if err != nil {
		return nil, s.explain("reading artifact "+name, err)
	}
	return &reader{
		store: s, ctx: ctx, key: s.key(name), size: aws.ToInt64(head.ContentLength), modTime: aws.ToTime(head.LastModified),
		etag: head.ETag,
	}, nil
}

// Delete implements artifact.Store.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := artifact.CheckPath(name); err != nil {
		return err
	}
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.cfg.Bucket, Key: s.key(name)})
	if err = s.explainUnlessNil("deleting artifact "+name, err); errors.Is(err, artifact.ErrNotFound) {
		return nil
	}
	return err
}

func (s *Store) explainUnlessNil(doing string, err error) error {
	if err == nil {
		return nil
	}
	return s.explain(doing, err)
}

// List implements artifact.Store.
func (s *Store) List(ctx context.Context, runID string) ([]artifact.File, error) {
	folder, err := artifact.RunFolder(runID)
	if err != nil {
		return nil, err
	}
	prefix := *s.key(folder) + "/"
	var files []artifact.File
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.cfg.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, s.explain("listing the artifacts of run "+runID, err)
		}
		for _, object := range page.Contents {
			files = append(files, fileOf(s.cfg.Prefix, object))
		}
	}
	return files, nil
}

// Walk implements artifact.Store.
func (s *Store) Walk(ctx context.Context, visit func([]artifact.Stored) error) error {
	prefix := *s.key("runs") + "/"
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.cfg.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return s.explain("listing all artifacts", err)
		}
		files := make([]artifact.Stored, 0, len(page.Contents))
		for _, object := range page.Contents {
			f := artifact.Stored{File: fileOf(s.cfg.Prefix, object), ModTime: aws.ToTime(object.LastModified)}
			if artifact.CheckPath(f.Path) == nil { // else it is nobody's of ours
				files = append(files, f)
			}
		}
		if err := visit(files); err != nil {
			return err
		}
	}
	return nil
}

func fileOf(prefix string, object types.Object) artifact.File {
	name := aws.ToString(object.Key)
	if prefix != "" {
		name = strings.TrimPrefix(name, path.Clean(prefix)+"/")
	}
	return artifact.File{Path: name, Bytes: aws.ToInt64(object.Size)}
}
