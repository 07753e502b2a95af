package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cinnamon-qa/cinnamon/artifact"
)

// The places where artifacts can be kept.
const (
	StoreFolder = "folder"
	StoreS3     = "s3"
)

// Artifacts says what is kept of runs, and where.
type Artifacts struct {
	// Store is where: folder or s3.
	Store string `env:"ARTIFACTS_STORE" envDefault:"folder"`
	// Dir is shared by workers and API; empty means the user's cache folder.
	Dir string `env:"ARTIFACTS_DIR"`
	S3  S3

	Screenshot artifact.Policy `env:"ARTIFACTS_SCREENSHOT" envDefault:"on-failure"`
	DOM        artifact.Policy `env:"ARTIFACTS_DOM" envDefault:"on-failure"`
	Console    artifact.Policy `env:"ARTIFACTS_CONSOLE" envDefault:"on-retry"`
	Network    artifact.Policy `env:"ARTIFACTS_NETWORK" envDefault:"on-retry"`
	Trace      artifact.Policy `env:"ARTIFACTS_TRACE" envDefault:"on-retry"`
	HAR        artifact.Policy `env:"ARTIFACTS_HAR" envDefault:"off"`
	Video      artifact.Policy `env:"ARTIFACTS_VIDEO" envDefault:"off"`

	// Limits are the most bytes of one file by its kind, where they differ from the defaults.
	Limits Limits `env:"ARTIFACTS_LIMITS"`
	// RunLimit is the most that a run's files have together.
	RunLimit Bytes `env:"ARTIFACTS_RUN_LIMIT" envDefault:"512MiB"`
}

// S3 says where a bucket is and how to get in.
type S3 struct {
	// Endpoint is the server's address; empty means AWS.
	Endpoint        string `env:"S3_ENDPOINT"`
	Region          string `env:"S3_REGION" envDefault:"us-east-1"`
	Bucket          string `env:"S3_BUCKET"`
	Prefix          string `env:"S3_PREFIX"`
	AccessKeyID     string `env:"S3_ACCESS_KEY_ID"`
	SecretAccessKey Secret `env:"S3_SECRET_ACCESS_KEY"`
	// PathStyle puts the bucket into the path of requests, as most servers but AWS expect it.
	PathStyle bool `env:"S3_PATH_STYLE" envDefault:"true"`
}

// Rules are what is kept, unless a run says otherwise.
func (a Artifacts) Rules() artifact.Rules {
	r := artifact.Rules{
		Policies: map[artifact.Kind]artifact.Policy{
			artifact.Screenshot: a.Screenshot, artifact.DOM: a.DOM, artifact.Console: a.Console, artifact.Network: a.Network,
			artifact.Trace: a.Trace, artifact.HAR: a.HAR, artifact.Video: a.Video,
		},
		Limits: map[artifact.Kind]int64{
			artifact.Screenshot: 20 << 20, artifact.DOM: 8 << 20, artifact.Console: 1 << 20, artifact.Network: 1 << 20,
			artifact.Trace: 64 << 20, artifact.HAR: 16 << 20, artifact.Video: 64 << 20,
		},
		RunLimit: int64(a.RunLimit),
	}
	for kind, limit := range a.Limits {
		r.Limits[kind] = int64(limit)
	}
	return r
}

func (a Artifacts) validate(bad func(format string, args ...any)) {
	policies := a.Rules().Policies
	for _, kind := range artifact.Kinds() {
		if problem := artifact.CheckPolicy(kind, policies[kind]); problem != "" {
			bad("ARTIFACTS_%s: %s", strings.ToUpper(string(kind)), problem)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(a.Limits)) {
		if problem := artifact.CheckPolicy(kind, artifact.On); problem != "" {
			bad("ARTIFACTS_LIMITS: %s", problem)
		}
	}
	switch a.Store {
	case StoreFolder:
	case StoreS3:
		a.S3.validate(bad)
	default:
		bad("ARTIFACTS_STORE is %q: it must be folder or s3", a.Store)
	}
}

func (s S3) validate(bad func(format string, args ...any)) {
	for name, value := range map[string]string{
		"S3_BUCKET": s.Bucket, "S3_ACCESS_KEY_ID": s.AccessKeyID, "S3_SECRET_ACCESS_KEY": s.SecretAccessKey.Reveal(),
	} {
		if value == "" {
			bad("%s is not set: ARTIFACTS_STORE=s3 needs it", name)
		}
	}
	if s.Endpoint == "" {
		return
	}
	if u, err := url.Parse(s.Endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		bad("S3_ENDPOINT must be an http:// or https:// address without user and password, for example http://127.0.0.1:9000")
	}
}

// Bytes is a size: a number, or one with KiB, MiB or GiB.
type Bytes int64

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	number, shift := strings.TrimSpace(string(text)), 0
	for unit, by := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if rest, ok := strings.CutSuffix(number, unit); ok {
			number, shift = strings.TrimSpace(rest), by
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > 1<<(62-shift) {
		return fmt.Errorf("%q is not a size such as 500000 or 64MiB", text)
	}
	*b = Bytes(n << shift)
	return nil
}

// Limits are sizes by kind, written as trace:64MiB,video:1GiB.
type Limits map[artifact.Kind]Bytes

// UnmarshalText reads limits.
func (l *Limits) UnmarshalText(text []byte) error {
	limits := make(Limits)
	for entry := range strings.SplitSeq(string(text), ",") {
		kind, size, ok := strings.Cut(strings.TrimSpace(entry), ":")
		if !ok {
			return fmt.Errorf("%q is not a kind of artifact and a size, such as trace:64MiB", entry)
		}
		var limit Bytes
		if err := limit.UnmarshalText([]byte(size)); err != nil {
			return err
		}
		limits[artifact.Kind(kind)] = limit
	}
	*l = limits
	return nil
}
