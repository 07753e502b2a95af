package redisbridge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// Probe looks after Redis for health checks.
type Probe struct {
	clients *clients
}

// NewProbe prepares a probe of every configured Redis.
func NewProbe(cfg config.Config, log *slog.Logger) (*Probe, error) {
	c, err := dial(cfg.Redis, log)
	if err != nil {
		return nil, err
	}
	return &Probe{clients: c}, nil
}

// Close releases the connections.
func (p *Probe) Close() error { return p.clients.Close() }

// Probe checks that every Redis answers. The detail names an eviction policy under which queues lose jobs.
func (p *Probe) Probe(ctx context.Context) (detail string, err error) {
	details, problems := make([]string, len(p.clients.all)), make([]error, len(p.clients.all))
	var work sync.WaitGroup
	for i, rdb := range p.clients.all {
		work.Go(func() { details[i], problems[i] = p.one(ctx, rdb) })
	}
	work.Wait()
	for _, found := range details {
		if found != "" {
			detail = strings.TrimPrefix(detail+"; "+found, "; ")
		}
	}
	return detail, errors.Join(problems...)
}

// one checks one Redis: of a cluster, every master.
func (p *Probe) one(ctx context.Context, rdb redis.UniversalClient) (detail string, err error) {
	which, where := "Redis", ""
	if len(p.clients.all) > 1 {
		which = "the Redis of " + strings.Join(p.clients.on(rdb), ", ")
		where = which + ": "
	}
	var mutex sync.Mutex
	ask := func(ctx context.Context, node *redis.Client) error {
		if err := node.Ping(ctx).Err(); err != nil {
			return err
		}
		if policy := evictionPolicy(ctx, node); evicts(policy) {
			mutex.Lock()
			defer mutex.Unlock()
			detail = fmt.Sprintf("%smaxmemory-policy is %s: it evicts queue keys; set it to noeviction", where, policy)
		}
		return nil
	}
	switch client := rdb.(type) {
	case *redis.ClusterClient:
		err = client.ForEachMaster(ctx, ask)
	case *redis.Client:
		err = ask(ctx, client)
	}
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, explain(err), "%s does not answer; runs go on, the bull:* keys will catch up", which)
	}
	return detail, nil
}

// evictionPolicy is what a Redis does when its memory is full, or nothing if it may not be asked: managed ones often
// forbid it. They answer, and that is the question.
func evictionPolicy(ctx context.Context, node *redis.Client) string {
	if found, err := node.ConfigGet(ctx, "maxmemory-policy").Result(); err == nil {
		return found["maxmemory-policy"]
	}
	info, err := node.Info(ctx, "memory").Result()
	if err != nil {
		return ""
	}
	for line := range strings.Lines(info) {
		if policy, ok := strings.CutPrefix(line, "maxmemory_policy:"); ok {
			return strings.TrimSpace(policy)
		}
	}
	return ""
}

// hints say what to do about an error that a wrong setting makes, by what Redis answers.
var hints = []struct{ text, hint string }{ //nolint:gochecknoglobals // a constant table
	{"NOAUTH", "it wants a password: put it into the address, or set REDIS_PASSWORD"},
	{"WRONGPASS", "the user name or the password is wrong: see REDIS_URL, or REDIS_USERNAME and REDIS_PASSWORD"},
	{"without any password configured", "it has no password: leave it out of the address"},
	{"NOPERM", "its user lacks rights: docs/configuration.md has the ACL rule that is enough"},
	{"The user executing the script", "its user lacks rights: docs/configuration.md has the ACL rule that is enough"},
	{"MOVED ", "it is a node of a cluster: let its address begin with redis-cluster://"},
	{"CROSSSLOT", "it is a node of a cluster: let its address begin with redis-cluster://, and QUEUE_PREFIX be in braces"},
	{"cluster support disabled", "it is no cluster: let its address begin with redis:// or rediss://"},
	{"all sentinels specified in configuration are unreachable: redis: nil", "the Sentinels don't know a master of this name: see REDIS_SENTINEL_MASTER, or the path of the address"},
	{"certificate required", "it wants to see a certificate of ours: set REDIS_TLS_CERT and REDIS_TLS_KEY"},
	{"unknown certificate authority", "it does not trust our certificate: see REDIS_TLS_CERT and REDIS_TLS_KEY"},
}

// explain adds to an error what to do about it, if a wrong setting makes it.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Errorf("%w; if its certificate is of an authority of your own, name that one's file in REDIS_TLS_CA", err)
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Errorf("%w; reach it by a name in its certificate, or set REDIS_TLS_SERVER_NAME to one", err)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("%w; it is refused for that: give it a valid certificate, or name the authority to trust in REDIS_TLS_CA", err)
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w; it closed the connection: if it speaks TLS, its address must begin with rediss://", err)
	}
	for _, known := range hints {
		if strings.Contains(err.Error(), known.text) {
			return fmt.Errorf("%w; %s", err, known.hint)
		}
	}
	return err
}
