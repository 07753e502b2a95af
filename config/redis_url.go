package config

import (
	"errors"
	"net"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// RedisKind says what an address leads to.
type RedisKind string

// The kinds of Redis.
const (
	RedisSingle   RedisKind = "single"   // one server
	RedisSentinel RedisKind = "sentinel" // a master, found through Sentinels, and its replicas
	RedisCluster  RedisKind = "cluster"  // several masters that share the keys
)

// RedisServer is one Redis, and the way in.
type RedisServer struct {
	Kind RedisKind
	// Addresses are host:port, one or, of Sentinels and of a cluster's nodes, several.
	Addresses []string
	// Socket is the path of a unix socket, in place of addresses.
	Socket string
	// Master is the name under which the Sentinels know the master.
	Master   string
	Username string
	Password Secret
	DB       int
	TLS      bool
	// SentinelUsername and SentinelPassword are for the Sentinels, which have users of their own.
	SentinelUsername string
	SentinelPassword Secret
}

// Same says whether both are one Redis, reached in the same way.
func (s *RedisServer) Same(other RedisServer) bool { return reflect.DeepEqual(*s, other) }

// ParseRedisURL reads an address:
//
//	redis://[user:password@]host[:6379][/database]
//	unix://[user:password@]/path/to/redis.sock[?db=database]
//	redis-sentinel://[user:password@]host[:26379][,host…]/master[/database]
//	redis-cluster://[user:password@]host[:6379][,host…]
//
// rediss, rediss-sentinel and rediss-cluster are the same over TLS. Without a user the password is the default user's.
// Errors say what is wrong and never quote the address, which may hold a password.
func ParseRedisURL(address Secret) (RedisServer, error) {
	scheme, rest, _ := strings.Cut(address.Reveal(), "://")
	s := RedisServer{Kind: RedisSingle, TLS: strings.HasPrefix(scheme, "rediss")}
	port := "6379"
	switch scheme {
	case "redis", "rediss", "unix":
	case "redis-sentinel", "rediss-sentinel":
		s.Kind, port = RedisSentinel, "26379"
	case "redis-cluster", "rediss-cluster":
		s.Kind = RedisCluster
	default:
		return RedisServer{}, errors.New("it is no address of a Redis: it must begin with redis://, rediss:// (TLS), unix://, " +
			"redis-sentinel://, rediss-sentinel://, redis-cluster:// or rediss-cluster://")
	}
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	hosts := authority
	var in string
	if i := strings.LastIndex(authority, "@"); i >= 0 {
		in, hosts = authority[:i+1], authority[i+1:]
	}
	// Several hosts are nothing that a URL has: one stands for all of them.
	u, err := url.Parse("redis://" + in + "host" + tail)
	if err != nil || u.Fragment != "" {
		return RedisServer{}, errors.New("it is not well-formed: what is special in a URL, such as @ / # or %, " +
			"must be written as %40 %2F %23 or %25 in a user name or password")
	}
	s.Username = u.User.Username()
	password, _ := u.User.Password()
	s.Password = Secret(password)
	if scheme == "unix" {
		err = s.socket(hosts, u)
	} else {
		err = errors.Join(s.hosts(hosts, port), s.path(u))
	}
	return s, errors.Join(err, s.parameters(u))
}

func (s *RedisServer) socket(hosts string, u *url.URL) error {
	s.Socket = u.Path
	if hosts != "" || len(u.Path) < 2 {
		return errors.New("it must name a socket by its whole path, unix:///run/redis/redis.sock")
	}
	return nil
}

func (s *RedisServer) hosts(hosts, defaultPort string) error {
	for one := range strings.SplitSeq(hosts, ",") {
		host, port, err := net.SplitHostPort(one)
		if err != nil {
			host, port = strings.Trim(one, "[]"), defaultPort
			if strings.Contains(host, ":") && !strings.HasPrefix(one, "[") {
				return errors.New("it has a host that is not host:port; an IPv6 address is written in brackets")
			}
		}
		if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
			return errors.New("it has a port that is no number from 1 to 65535; what is special in a URL must be percent-encoded in a password")
		}
		if host == "" {
			return errors.New("it has no host")
		}
		s.Addresses = append(s.Addresses, net.JoinHostPort(host, port))
	}
	if s.Kind == RedisSingle && len(s.Addresses) > 1 {
		return errors.New("it has several hosts: those of Sentinels begin with redis-sentinel://, those of a cluster with redis-cluster://")
	}
	return nil
}

// path reads what comes after the hosts.
func (s *RedisServer) path(u *url.URL) error {
	parts := strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' })
	if s.Kind == RedisSentinel {
		if len(parts) == 0 {
			return errors.New("it lacks the name under which the Sentinels know the master: redis-sentinel://host:26379/mymaster")
		}
		s.Master, parts = parts[0], parts[1:]
	}
	switch len(parts) {
	case 0:
		return nil
	case 1:
		return s.database(parts[0])
	default:
		return errors.New("it has more in its path than a database")
	}
}

func (s *RedisServer) parameters(u *url.URL) error {
	for name, values := range u.Query() {
		switch {
		case name == "db" && s.Kind != RedisCluster:
			if err := s.database(values[0]); err != nil {
				return err
			}
		case name == "skip_verify":
			return errors.New("it asks not to verify the server (skip_verify): trust its certificate instead, by REDIS_TLS_CA")
		default:
			return errors.New("it has a parameter that is not known: there is only ?db=")
		}
	}
	return nil
}

func (s *RedisServer) database(text string) error {
	db, err := strconv.Atoi(text)
	if err != nil || db < 0 {
		return errors.New("its database is no number")
	}
	if db > 0 && s.Kind == RedisCluster {
		return errors.New("it names a database: a Redis Cluster has only the database 0, so leave it out (and REDIS_DB at 0)")
	}
	s.DB = db
	return nil
}
