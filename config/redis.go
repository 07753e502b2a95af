package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cinnamon-qa/cinnamon/queue"
)

// Redis says where the queues are shown. REDIS_URL wins over the separate variables.
type Redis struct {
	// URL is the address: see [ParseRedisURL] for its forms.
	URL      Secret `env:"REDIS_URL"`
	Host     string `env:"REDIS_HOST" envDefault:"localhost"`
	Port     int    `env:"REDIS_PORT" envDefault:"6379"`
	Username string `env:"REDIS_USERNAME"`
	Password Secret `env:"REDIS_PASSWORD"`
	DB       int    `env:"REDIS_DB" envDefault:"0"`
	// Sentinels are host:port pairs, separated by commas, of the Sentinels that know where the master is.
	Sentinels      string `env:"REDIS_SENTINELS"`
	SentinelMaster string `env:"REDIS_SENTINEL_MASTER"`
	// SentinelUsername and SentinelPassword are for the Sentinels themselves, however their addresses are given.
	SentinelUsername string `env:"REDIS_SENTINEL_USERNAME"`
	SentinelPassword Secret `env:"REDIS_SENTINEL_PASSWORD"`
	// ClusterNodes are host:port pairs, separated by commas, of some nodes of a Redis Cluster.
	ClusterNodes string `env:"REDIS_CLUSTER_NODES"`
	TLS          RedisTLS
	// Queues are the addresses of queues that live on a Redis of their own, by the queue's name: REDIS_URL_<QUEUE>.
	Queues map[string]Secret
}

// RedisTLS says how a Redis that speaks TLS is recognised, and how it recognises us. It is always verified.
type RedisTLS struct {
	// Enabled makes the address that is put together of separate variables one with TLS.
	Enabled bool `env:"REDIS_TLS"`
	// CA is a file of PEM certificates to trust in place of the system's.
	CA string `env:"REDIS_TLS_CA"`
	// Cert and Key are PEM files of the client's own certificate.
	Cert string `env:"REDIS_TLS_CERT"`
	Key  string `env:"REDIS_TLS_KEY"`
	// ServerName is the name that must be in the server's certificate, if it is not the one in the address.
	ServerName string `env:"REDIS_TLS_SERVER_NAME"`
}

const (
	redisURLVariable = "REDIS_URL"
	queueURLPrefix   = redisURLVariable + "_"
)

// queueVariables returns the variable of each queue's own Redis with the queue's name.
func queueVariables() map[string]string {
	names := map[string]string{}
	for _, def := range queue.All() {
		names[QueueRedisVariable(def.Name)] = def.Name
	}
	return names
}

// QueueRedisVariable is the name of the variable that gives a queue a Redis of its own.
func QueueRedisVariable(queueName string) string {
	return queueURLPrefix + strings.ToUpper(strings.ReplaceAll(queueName, "-", "_"))
}

// OfQueue returns the Redis that a queue lives on, and the variable that says so.
func (r *Redis) OfQueue(queueName string) (server RedisServer, variable string, err error) {
	address, variable := r.URL, redisURLVariable
	if own, ok := r.Queues[queueName]; ok {
		address, variable = own, QueueRedisVariable(queueName)
	}
	server, err = ParseRedisURL(address)
	if err != nil {
		return RedisServer{}, variable, fmt.Errorf("%s: %w", variable, err)
	}
	if server.Kind == RedisSentinel {
		server.SentinelUsername, server.SentinelPassword = r.SentinelUsername, r.SentinelPassword
	}
	return server, variable, nil
}

// finish makes one address of the separate variables, and takes the queues' own ones from the environment.
func (r *Redis) finish(environ map[string]string) error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	known := queueVariables()
	for _, variable := range slices.Sorted(maps.Keys(environ)) {
		if !strings.HasPrefix(variable, queueURLPrefix) || environ[variable] == "" {
			continue
		}
		name, ok := known[variable]
		if !ok {
			bad("%s names no queue: it must be one of %s", variable, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			continue
		}
		if r.Queues == nil {
			r.Queues = map[string]Secret{}
		}
		r.Queues[name] = Secret(environ[variable])
	}
	if r.URL != "" {
		if r.Sentinels != "" || r.ClusterNodes != "" {
			bad("REDIS_URL is set, and so is REDIS_SENTINELS or REDIS_CLUSTER_NODES: keep one of them")
		}
		if scheme, _, _ := strings.Cut(r.URL.Reveal(), "://"); r.TLS.Enabled && !strings.HasPrefix(scheme, "rediss") {
			bad("REDIS_TLS is on, but REDIS_URL is an address without TLS: let it begin with rediss://, rediss-sentinel:// or rediss-cluster://")
		}
		return errors.Join(problems...)
	}
	if r.Sentinels != "" && r.ClusterNodes != "" {
		bad("REDIS_SENTINELS and REDIS_CLUSTER_NODES are both set: keep one of them")
	}
	if r.Sentinels == "" && r.SentinelMaster != "" {
		bad("REDIS_SENTINEL_MASTER is set without REDIS_SENTINELS: say where the Sentinels are, host:port,host:port")
	}
	if r.Sentinels != "" && r.SentinelMaster == "" {
		bad("REDIS_SENTINEL_MASTER is not set: give the name under which the Sentinels know the master, for example mymaster")
		r.SentinelMaster = "mymaster" // so that what else is wrong shows
	}
	r.URL = r.compose()
	return errors.Join(problems...)
}

func (r *Redis) compose() Secret {
	u := url.URL{Path: strconv.Itoa(r.DB)}
	scheme, hosts := "redis", net.JoinHostPort(r.Host, strconv.Itoa(r.Port))
	if r.TLS.Enabled {
		scheme = "rediss"
	}
	switch {
	case r.ClusterNodes != "":
		scheme, hosts = scheme+"-cluster", r.ClusterNodes
	case r.Sentinels != "":
		scheme, hosts, u.Path = scheme+"-sentinel", r.Sentinels, r.SentinelMaster+"/"+u.Path
	}
	if r.Username != "" || r.Password != "" {
		u.User = url.UserPassword(r.Username, r.Password.Reveal())
	}
	in := ""
	if u.User != nil {
		in = u.User.String() + "@"
	}
	return Secret(scheme + "://" + in + strings.Join(strings.Fields(hosts), "") + "/" + u.EscapedPath())
}

// validate reports what is wrong with the addresses, and with what belongs to them.
func (r *Redis) validate(prefix string, bad func(format string, args ...any)) {
	tagged, withTLS := hashTag(prefix) != "", false
	names := slices.Sorted(maps.Keys(r.Queues))
	for _, name := range append([]string{""}, names...) { // no queue is called "": that is REDIS_URL
		server, variable, err := r.OfQueue(name)
		if err != nil {
			bad("%w", err)
			continue
		}
		withTLS = withTLS || server.TLS
		if server.Kind == RedisCluster && !tagged {
			tagged = true // saying so once is enough
			bad("QUEUE_PREFIX is %q, and %s is a Redis Cluster: there all keys of a queue must be in one slot, so put the prefix "+
				"in braces, QUEUE_PREFIX={%s}, here and as the prefix of every BullMQ client", prefix, variable, strings.Trim(prefix, "{}"))
		}
	}
	r.TLS.validate(withTLS || r.TLS.Enabled, bad)
}

func (t *RedisTLS) validate(used bool, bad func(format string, args ...any)) {
	if !used {
		for variable, value := range map[string]string{
			"REDIS_TLS_CA": t.CA, "REDIS_TLS_CERT": t.Cert, "REDIS_TLS_KEY": t.Key, "REDIS_TLS_SERVER_NAME": t.ServerName,
		} {
			if value != "" {
				bad("%s is set, but no Redis is reached by TLS: let its address begin with rediss://, or set REDIS_TLS=true", variable)
			}
		}
		return
	}
	if _, err := t.Client(); err != nil {
		bad("%w", err)
	}
}

// Client returns what a client needs to speak TLS: the server is verified, always.
func (t *RedisTLS) Client() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	var problems []error
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			problems = append(problems, fmt.Errorf("REDIS_TLS_CA: reading the certificates to trust: %w", err))
		}
		c.RootCAs = x509.NewCertPool()
		if err == nil && !c.RootCAs.AppendCertsFromPEM(pem) {
			problems = append(problems, fmt.Errorf("REDIS_TLS_CA: %s holds no PEM certificate", t.CA))
		}
	}
	switch {
	case (t.Cert == "") != (t.Key == ""):
		problems = append(problems, errors.New("REDIS_TLS_CERT and REDIS_TLS_KEY belong together: set both, or none"))
	case t.Cert != "":
		own, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			problems = append(problems, fmt.Errorf("REDIS_TLS_CERT, REDIS_TLS_KEY: reading our own certificate: %w", err))
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c, errors.Join(problems...)
}

// hashTag is the part of a key that decides its slot in a Redis Cluster, or nothing if all of the key does.
func hashTag(key string) string {
	_, rest, opened := strings.Cut(key, "{")
	tag, _, closed := strings.Cut(rest, "}")
	if !opened || !closed {
		return ""
	}
	return tag
}
