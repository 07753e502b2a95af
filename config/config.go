package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Secret is a value that never shows itself in a log, an error or a printed configuration.
type Secret string

// String hides the value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText hides the value from JSON and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Reveal returns the value itself.
func (s Secret) Reveal() string { return string(s) }

// Config holds the settings of every role.
type Config struct {
	Database  Database
	Redis     Redis
	Temporal  Temporal
	Codec     Codec
	Queue     Queue
	API       API
	Browser   Browser
	Secrets   Secrets
	Egress    Egress
	Artifacts Artifacts
	Worker    Worker
	Cleanup   Cleanup
	Learning  Learning
	Metrics   Metrics
	Alert     Alert
	Tracing   Tracing
	Log       Log
}

// Database says where Postgres is.
type Database struct {
	// URL is a Postgres connection string, for example postgres://user:password@host:5432/cinnamon. A Supabase
	// transaction pooler is recognised by its port 6543 or host name, or declared by ?pgbouncer=true.
	URL Secret `env:"DATABASE_URL"`
	// MaxConns bounds the connection pool of one process.
	MaxConns int32 `env:"DATABASE_MAX_CONNS" envDefault:"10"`
}

// Temporal says where the Temporal server is.
type Temporal struct {
	Address   string `env:"TEMPORAL_ADDRESS" envDefault:"localhost:7233"`
	Namespace string `env:"TEMPORAL_NAMESPACE" envDefault:"default"`
	// UIURL is the address of the Temporal Web UI that links to runs point at.
	UIURL string `env:"TEMPORAL_UI_URL" envDefault:"http://localhost:8233"`
	// PayloadKeys encrypt what Temporal stores, as payload.ParseKeys reads them; empty: it is stored as it is.
	PayloadKeys Secret `env:"TEMPORAL_PAYLOAD_KEYS"`
	// PayloadKeysFile is a file that holds them.
	PayloadKeysFile string `env:"TEMPORAL_PAYLOAD_KEYS_FILE"`
}

// Codec holds the settings of the endpoint that decrypts payloads for the Temporal Web UI.
type Codec struct {
	// Addr is the address to listen on; another one than loopback needs a token.
	Addr string `env:"CODEC_ADDR" envDefault:"127.0.0.1:8234"`
	// Token is what every request must present, if it is set.
	Token Secret `env:"CODEC_TOKEN"`
	// Encode says that the endpoint encrypts, too.
	Encode bool `env:"CODEC_ENCODE"`
}

// Queue holds the documented queue settings.
type Queue struct {
	Prefix           string `env:"QUEUE_PREFIX" envDefault:"bull"`
	Concurrency      int    `env:"QUEUE_CONCURRENCY" envDefault:"2"`
	MaxAttempts      int    `env:"QUEUE_MAX_ATTEMPTS" envDefault:"3"`
	RemoveOnComplete int    `env:"QUEUE_REMOVE_ON_COMPLETE" envDefault:"100"`
	RemoveOnFail     int    `env:"QUEUE_REMOVE_ON_FAIL" envDefault:"50"`
	// BackoffDelay is the first delay of the exponential backoff between attempts.
	BackoffDelay time.Duration `env:"QUEUE_BACKOFF_DELAY" envDefault:"2s"`
	// Timeout is how long runs may wait for a worker each time they are due, unless they say otherwise; 0: for as long as it takes.
	Timeout time.Duration `env:"QUEUE_TIMEOUT" envDefault:"0s"`
	// StalledInterval is how often jobs are looked for that another consumer of a queue has left behind.
	StalledInterval time.Duration `env:"QUEUE_STALLED_INTERVAL" envDefault:"30s"`
	// PriorityScale says how to read a job's priority: cinnamon (a higher number is more urgent) or bullmq (a lower one is).
	PriorityScale string `env:"QUEUE_PRIORITY_SCALE" envDefault:"cinnamon"`
	// Claim says what an attempt does that can't ask Redis whether it may begin: preferred (it begins) or required (it waits).
	Claim string `env:"BRIDGE_CLAIM" envDefault:"preferred"`
}

// API holds the settings of the HTTP endpoint.
type API struct {
	// Addr is the address to listen on; loopback unless told otherwise.
	Addr string `env:"API_ADDR" envDefault:"127.0.0.1:8080"`
	// PublicURL is how clients reach the API; links in answers start with it. Empty: links are relative paths.
	PublicURL string `env:"API_PUBLIC_URL"`
	// Key is what clients must present.
	Key Secret `env:"CINNAMON_API_KEY"`
	// TraceViewer is the folder of Playwright's trace viewer; empty means that of the installed driver.
	TraceViewer string `env:"TRACE_VIEWER_DIR"`
}

// Browser says how tests are driven.
type Browser struct {
	// Executable is the Chromium to launch; empty means the one found on the machine.
	Executable string `env:"BROWSER_EXECUTABLE"`
	// NodePath is the node binary that runs the Playwright driver; empty means node from the PATH.
	NodePath string `env:"PLAYWRIGHT_NODEJS_PATH"`
	// DriverDir is where the Playwright driver is installed; empty means the user's cache folder.
	DriverDir string `env:"PLAYWRIGHT_DRIVER_PATH"`
	// Sandbox is Chromium's own; switch it off only where something else confines the browser, such as a container.
	Sandbox bool `env:"BROWSER_SANDBOX" envDefault:"true"`
	// Pool is the number of browser processes that a worker's runs share.
	Pool int `env:"BROWSER_POOL" envDefault:"1"`
	// MaxRuns is how many attempts a browser serves before a fresh one replaces it.
	MaxRuns int `env:"BROWSER_MAX_RUNS" envDefault:"200"`
	// MaxMiB is how much memory a browser may take before a fresh one replaces it, and a page alone before it is ended.
	MaxMiB int `env:"BROWSER_MAX_MIB" envDefault:"2048"`
}

// Secrets says where workers find the values of the secrets that cases name. They are looked for in this order.
type Secrets struct {
	// Values are those of the variables CINNAMON_SECRET_<NAME>.
	Values map[string]Secret `env:"-"`
	// Dir is a folder with a file for each secret, as container platforms mount them.
	Dir string `env:"CINNAMON_SECRETS_DIR"`
	// Command is a program and its arguments, separated by spaces, that prints the value of the secret whose name is its last
	// argument, and exits with 3 if there is none.
	Command string `env:"CINNAMON_SECRETS_COMMAND"`
}

// secretPrefix begins the names of variables that hold a secret of cases.
const secretPrefix = "CINNAMON_SECRET_"

// EgressOff is the mode in which pages may reach everything that the worker reaches.
const EgressOff = "off"

// Egress says what pages under test may reach.
type Egress struct {
	// Mode is public (the public internet, and what Allow names), allowlist (only what Allow names) or off.
	Mode string `env:"EGRESS_MODE" envDefault:"public"`
	// Allow names hosts, addresses and CIDR blocks, each with an optional port; "localhost" is this machine's loopback.
	Allow []string `env:"EGRESS_ALLOW"`
}

// Worker holds the settings of one worker process.
type Worker struct {
	// Name is shown as processedBy on jobs; empty means host name and process id.
	Name string `env:"WORKER_NAME"`
	// HeartbeatTimeout is how long a worker may be silent before its run is given to another one.
	HeartbeatTimeout time.Duration `env:"WORKER_HEARTBEAT_TIMEOUT" envDefault:"10s"`
	// StopTimeout is how long a stopping worker waits for the runs it drives.
	StopTimeout time.Duration `env:"WORKER_STOP_TIMEOUT" envDefault:"60s"`
	// Deployment is the name of Temporal's worker deployment that the worker belongs to; empty: it has no version.
	Deployment string `env:"WORKER_DEPLOYMENT"`
	// BuildID is its version there.
	BuildID string `env:"WORKER_BUILD_ID"`
	// Versioning says where runs go on that another version began: auto-upgrade (on the newest) or pinned (there).
	Versioning string `env:"WORKER_VERSIONING" envDefault:"auto-upgrade"`
	// DebugAddr is an address on loopback at which a worker serves profiles of itself; empty means nowhere.
	DebugAddr string `env:"WORKER_DEBUG_ADDR"`
}

// Pinned has runs go on where they began.
const Pinned = "pinned"

func (w Worker) validate(bad func(format string, args ...any)) {
	if w.HeartbeatTimeout < 2*time.Second {
		bad("WORKER_HEARTBEAT_TIMEOUT is %s: it must be 2s or more", w.HeartbeatTimeout)
	}
	if w.DebugAddr != "" && !isLoopback(w.DebugAddr) {
		bad("WORKER_DEBUG_ADDR is %q: it must be on loopback, for example 127.0.0.1:6060: profiles are nobody else's business", w.DebugAddr)
	}
	if w.Versioning != "auto-upgrade" && w.Versioning != Pinned {
		bad("WORKER_VERSIONING is %q: it must be auto-upgrade or pinned", w.Versioning)
	}
	if (w.Deployment == "") != (w.BuildID == "") {
		bad("WORKER_DEPLOYMENT and WORKER_BUILD_ID belong together: set both, or neither")
	}
	if strings.ContainsAny(w.Deployment, ".:") || strings.Contains(w.BuildID, ":") {
		bad("WORKER_DEPLOYMENT must be without dots and colons, WORKER_BUILD_ID without colons")
	}
}

// FromEnvironment reads the process's own environment.
func FromEnvironment() (Config, error) {
	return Load(os.Environ())
}

// OfProcess reads the settings of a program, which may have a file of them, and some set on its command line.
func OfProcess(file string, set []string) (Config, []Setting, error) {
	return Read(Sources{File: file, Environ: os.Environ(), Set: set})
}

// Load reads settings from NAME=value pairs, fills in defaults and validates.
func Load(environ []string) (Config, error) {
	c, _, err := Read(Sources{Environ: environ})
	return c, err
}

// finish derives what was left empty and reports everything that is wrong.
func (c *Config) finish(environ map[string]string) error {
	problems := c.Redis.finish(environ)
	c.Secrets.Values = map[string]Secret{}
	for variable, value := range environ {
		if name, ok := strings.CutPrefix(variable, secretPrefix); ok && name != "" {
			c.Secrets.Values[name] = Secret(value)
		}
	}
	if c.Artifacts.Dir == "" {
		c.Artifacts.Dir = filepath.Join(cacheDir(), "artifacts")
	}
	if c.Worker.Name == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "worker"
		}
		c.Worker.Name = fmt.Sprintf("%s-%d", host, os.Getpid())
	}
	return errors.Join(problems, c.Temporal.finish(), c.Validate())
}

// Validate reports everything that is wrong, not only the first problem.
func (c *Config) Validate() error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	atLeast := func(name string, value, least int) {
		if value < least {
			bad("%s is %d: it must be %d or more", name, value, least)
		}
	}
	atLeast("QUEUE_CONCURRENCY", c.Queue.Concurrency, 1)
	atLeast("QUEUE_MAX_ATTEMPTS", c.Queue.MaxAttempts, 1)
	atLeast("QUEUE_REMOVE_ON_COMPLETE", c.Queue.RemoveOnComplete, 0)
	atLeast("QUEUE_REMOVE_ON_FAIL", c.Queue.RemoveOnFail, 0)
	atLeast("BROWSER_POOL", c.Browser.Pool, 1)
	atLeast("BROWSER_MAX_RUNS", c.Browser.MaxRuns, 1)
	atLeast("BROWSER_MAX_MIB", c.Browser.MaxMiB, 256)
	atLeast("DATABASE_MAX_CONNS", int(c.Database.MaxConns), 2)
	if c.Queue.Prefix == "" || strings.ContainsAny(c.Queue.Prefix, ": \t\n") {
		bad("QUEUE_PREFIX is %q: it must be a word without colons or spaces", c.Queue.Prefix)
	}
	if c.Queue.PriorityScale != "cinnamon" && c.Queue.PriorityScale != "bullmq" {
		bad("QUEUE_PRIORITY_SCALE is %q: it must be cinnamon (a higher number is more urgent) or bullmq (a lower one is)", c.Queue.PriorityScale)
	}
	if c.Queue.Claim != "preferred" && c.Queue.Claim != "required" {
		bad("BRIDGE_CLAIM is %q: it must be preferred or required", c.Queue.Claim)
	}
	if c.Egress.Mode != "public" && c.Egress.Mode != "allowlist" && c.Egress.Mode != EgressOff {
		bad("EGRESS_MODE is %q: it must be public, allowlist or off", c.Egress.Mode)
	}
	if c.Queue.StalledInterval < time.Second {
		bad("QUEUE_STALLED_INTERVAL is %s: it must be 1s or more", c.Queue.StalledInterval)
	}
	if t := c.Queue.Timeout; t != 0 && (t < time.Second || t > 30*24*time.Hour) {
		bad("QUEUE_TIMEOUT is %s: it must be between 1s and 720h, or 0 for as long as it takes", t)
	}
	c.Worker.validate(bad)
	c.Redis.validate(c.Queue.Prefix, bad)
	c.Artifacts.validate(bad)
	c.Codec.validate(bad)
	c.Cleanup.validate(bad)
	c.Learning.validate(bad)
	if c.Database.URL != "" {
		if u, err := url.Parse(c.Database.URL.Reveal()); err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
			bad("DATABASE_URL is not a postgres:// address")
		}
	}
	if _, _, err := net.SplitHostPort(c.API.Addr); err != nil {
		bad("API_ADDR is %q: it must be host:port, for example 127.0.0.1:8080", c.API.Addr)
	}
	c.Log.validate(bad)
	c.Metrics.validate(bad)
	c.Alert.validate(bad)
	c.Tracing.validate(bad)
	return errors.Join(problems...)
}

// isLoopback reports whether only this machine can reach an address.
func isLoopback(addr string) bool {
	to, err := netip.ParseAddrPort(addr)
	return err == nil && to.Addr().IsLoopback()
}

// RequireDatabase says what to set when a role needs Postgres and no address is given.
func (c *Config) RequireDatabase() error {
	if c.Database.URL == "" {
		return errors.New("DATABASE_URL is not set: give the address of a Postgres database, " +
			"for example postgres://user:password@localhost:5432/cinnamon")
	}
	return nil
}

// RequireAPIKey says what to set when the API is to start without a key.
func (c *Config) RequireAPIKey() error {
	if len(c.API.Key) < 16 {
		return errors.New("CINNAMON_API_KEY is not set or shorter than 16 characters: " +
			"clients must present it; make one with: openssl rand -hex 24")
	}
	return nil
}

func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "cinnamon")
}

// Client holds the settings of the command line as a client of the API.
type Client struct {
	APIURL  string
	APIKey  Secret
	NoColor bool
	// DumbTerminal says that the terminal can't move its cursor.
	DumbTerminal bool
	// User is who sits at the terminal.
	User string
}

// ClientFromEnvironment reads the process's own environment.
func ClientFromEnvironment() Client {
	c := Client{
		APIURL: os.Getenv("CINNAMON_API_URL"), APIKey: Secret(os.Getenv("CINNAMON_API_KEY")),
		NoColor: os.Getenv("NO_COLOR") != "", DumbTerminal: os.Getenv("TERM") == "dumb", User: os.Getenv("USER"),
	}
	if c.APIURL == "" {
		c.APIURL = "http://127.0.0.1:8080"
	}
	return c
}
