package stack

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/cinnamon-qa/cinnamon/config"
)

// A Part of the system that can be left out, for a test that runs it itself.
type Part string

// The parts that can be left out.
const (
	PartWorker Part = "worker"
	PartAPI    Part = "api"
	PartBridge Part = "bridge"
	PartShop   Part = "shop"
)

// ParseParts reads the names of parts.
func ParseParts(names []string) ([]Part, error) {
	known := []Part{PartWorker, PartAPI, PartBridge, PartShop}
	parts := make([]Part, 0, len(names))
	for _, name := range names {
		if !slices.Contains(known, Part(name)) {
			return nil, fmt.Errorf("%q can't be left out: it must be one of worker, api, bridge, shop", name)
		}
		parts = append(parts, Part(name))
	}
	return parts, nil
}

// Ports of the servers on the loopback interface; 0 is a free one.
type Ports struct {
	API, Temporal, TemporalUI, Codec, Shop, Redis, Postgres int
}

// DefaultPorts stay clear of a Redis or a Postgres that the system runs.
func DefaultPorts() Ports {
	return Ports{API: 8080, Temporal: 7233, TemporalUI: 8233, Codec: 8234, Shop: 8090, Redis: 6390, Postgres: 5439}
}

// Options describes a stack.
type Options struct {
	// Folder keeps everything that is written. Its servers are set up for speed alone when it is a temporary one.
	Folder *Folder
	Ports  Ports
	// RedisURL, DatabaseURL and TemporalAddress name servers to use instead of starting them.
	RedisURL        string
	DatabaseURL     string
	TemporalAddress string
	Without         []Part
	// Config is where the product's settings come from; addresses and keys in it are replaced.
	Config config.Config
	// Log receives the product's log.
	Log *slog.Logger
	// Progress receives a line for each part that came up; it is called from several goroutines.
	Progress func(what string)
}

func (o *Options) with(part Part) bool { return !slices.Contains(o.Without, part) }

// Endpoints is where everything answers. What was left out is empty.
type Endpoints struct {
	API        string `json:"api,omitempty"`
	Temporal   string `json:"temporal"`
	TemporalUI string `json:"temporal_ui"` //nolint:tagliatelle // the documented name
	Codec      string `json:"codec,omitempty"`
	Redis      string `json:"redis"`
	Database   string `json:"database"`
	Shop       string `json:"shop,omitempty"`
	APIKey     string `json:"api_key"` //nolint:tagliatelle // the documented name
}

// settings are the product's settings in this stack.
func (o *Options) settings(e Endpoints) config.Config {
	c := o.Config
	c.Database.URL = config.Secret(e.Database)
	c.Redis.URL = config.Secret(e.Redis)
	if o.RedisURL == "" {
		c.Redis.Queues = nil // what the environment says of others' Redis concerns no queue here
	}
	c.Temporal.Address = e.Temporal
	c.Temporal.UIURL = e.TemporalUI
	c.API.Key = config.Secret(e.APIKey)
	c.Egress.Allow = append(slices.Clone(c.Egress.Allow), "localhost") // the shop, and whatever else is being developed here
	c.Artifacts.Dir = o.Folder.path("artifacts")
	c.Worker.StopTimeout = drainTime
	return c
}
