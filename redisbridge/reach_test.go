package redisbridge_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/testkit"
	"github.com/cinnamon-qa/cinnamon/queue"
	"github.com/cinnamon-qa/cinnamon/redisbridge"
	"github.com/cinnamon-qa/cinnamon/store"
)

// carriesOut follows a run through a Redis that is reached in some way, up to what the real library sees there, and the
// rebuilding of a Redis that lost its data. half is what happens in the middle of the run.
func (b *bundle) carriesOut(reach any, half func()) {
	b.t.Helper()
	b.settled()
	readers := b.readers(reach)
	publisher := b.publisher()

	run := b.add("run", nil)
	attempt := b.claim(run, 0)
	b.awaitSeq(run, 2)
	publisher.Publish(b.def.Name, run, run, attempt, record(50))
	b.await(patience, "the progress is told", func() bool { return len(b.progressTold(run)) == 1 })
	later := b.add("later", func(o *queue.Options) { o.Delay = 100 })
	b.await(patience, "the delayed job waits", func() bool { return slices.Contains(b.list(b.keys.Wait()), later) })
	if half != nil {
		half()
	}
	publisher.Publish(b.def.Name, run, run, attempt, record(75))
	b.await(patience, "the progress is told", func() bool { return len(b.progressTold(run)) == 2 })
	b.finish(run, attempt, store.Outcome{
		Status: store.RunCompleted, Result: json.RawMessage(`{"status":"completed"}`), Progress: record(100),
	})
	b.awaitSeq(run, 3)
	publisher.Close()

	published := []map[string]any{{"percentage": 50.0}, {"percentage": 75.0}, {"percentage": 100.0}}
	if half != nil {
		published = nil // subscribers may be cut off for a while
	}
	for _, r := range readers {
		s := r.ended(run, len(published))
		require.Equal(b.t, "completed", s.State, r.name)
		require.Equal(b.t, b.def.JobName, s.Name, r.name)
		require.JSONEq(b.t, `{"testRunId":"`+run+`"}`, string(s.Data), r.name)
		require.JSONEq(b.t, `{"status":"completed"}`, string(s.ReturnValue), r.name)
		require.JSONEq(b.t, `{"percentage":100}`, string(s.Progress), r.name)
		require.Equal(b.t, []string{"added", "waiting", "active", "progress", "progress", "completed"}, s.Events, r.name)
		require.Positive(b.t, s.Counts["completed"], r.name)
		require.Positive(b.t, s.Counts["waiting"], r.name)
		if half == nil {
			require.Equal(b.t, published, s.Published, r.name)
		}
	}
	require.JSONEq(b.t, `{"percentage":100}`, b.rdb.Get(b.t.Context(), "progress:"+run).Val())

	b.flush()
	b.await(patience, "the queue is rebuilt", func() bool { return b.epoch() != "" })
	b.await(patience, "the delayed job waits again", func() bool { return slices.Contains(b.list(b.keys.Wait()), later) })
	require.Contains(b.t, b.set(b.keys.Completed()), run)
	require.JSONEq(b.t, `{"percentage":100}`, b.rdb.Get(b.t.Context(), "progress:"+run).Val())
	b.healthy()
}

// flush loses all data.
func (b *bundle) flush() {
	b.t.Helper()
	if cluster, ok := b.rdb.(*redis.ClusterClient); ok {
		require.NoError(b.t, cluster.ForEachMaster(b.t.Context(), func(ctx context.Context, node *redis.Client) error {
			return node.FlushAll(ctx).Err()
		}))
		return
	}
	require.NoError(b.t, b.rdb.FlushDB(b.t.Context()).Err())
}

func (b *bundle) healthy() {
	b.t.Helper()
	detail, err := b.probe()
	require.NoError(b.t, err)
	require.Empty(b.t, detail)
}

func (b *bundle) probe() (detail string, err error) {
	b.t.Helper()
	return ask(b.t, b.cfg)
}

// probeBy asks the health of a Redis that variables lead to.
func probeBy(t *testing.T, variables ...string) (detail string, err error) {
	t.Helper()
	cfg, err := config.Load(variables)
	require.NoError(t, err)
	return ask(t, cfg)
}

func ask(t *testing.T, cfg config.Config) (detail string, err error) {
	t.Helper()
	probe, err := redisbridge.NewProbe(cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer func() { require.NoError(t, probe.Close()) }()
	return probe.Probe(t.Context())
}

// own is a Redis of this test alone.
func own(t *testing.T, r *testkit.Redis) *testkit.Redis {
	t.Helper()
	t.Cleanup(r.Stop)
	return r
}

// at takes an address apart for ioredis.
func at(t *testing.T, address string) (host string, port int, password string) {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	port, err = strconv.Atoi(u.Port())
	require.NoError(t, err)
	password, _ = u.User.Password()
	return u.Hostname(), port, password
}

func TestRedisByTheDocumentedVariables(t *testing.T) {
	t.Parallel()
	address := own(t, new(testkit.Redis)).URL(t)
	host, port, password := at(t, address)
	rdb := connect(t, strings.TrimSuffix(address, "/0")+"/3")
	b := setupBy(t, rdb, "", "REDIS_HOST="+host, "REDIS_PORT="+strconv.Itoa(port), "REDIS_PASSWORD="+password, "REDIS_DB=3")
	b.carriesOut(map[string]any{"host": host, "port": port, "password": password, "db": 3}, nil)
	require.Zero(t, connect(t, address).DBSize(t.Context()).Val(), "nothing in another database")
}

// documentedRule is the ACL rule of a user in docs/configuration.md.
func documentedRule(t *testing.T, user, password string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "docs", "configuration.md"))
	require.NoError(t, err)
	for line := range strings.Lines(string(page)) {
		if rule, ok := strings.CutPrefix(line, "user "+user+" "); ok {
			return user + " " + strings.TrimSpace(strings.Replace(rule, "PASSWORD", password, 1))
		}
	}
	require.Fail(t, "the page has no rule")
	return ""
}

func TestRedisAsAUserWithTheDocumentedRightsAlone(t *testing.T) {
	t.Parallel()
	const password = "p@ss/word"
	server := own(t, &testkit.Redis{Users: []string{documentedRule(t, "cinnamon", password)}})
	host, port, _ := at(t, server.URL(t))
	b := setupBy(t, connect(t, server.URL(t)), "",
		"REDIS_PORT="+strconv.Itoa(port), "REDIS_USERNAME=cinnamon", "REDIS_PASSWORD="+password)
	b.carriesOut(map[string]any{"host": host, "port": port, "username": "cinnamon", "password": password}, nil)

	limited := connect(t, server.URLAs(t, "cinnamon", password))
	for _, command := range [][]any{
		{"get", "other"}, {"set", "bully", "x"}, {"publish", "other", "x"}, {"flushall"}, {"keys", "*"}, {"config", "set", "maxmemory", "1"}, {"acl", "list"},
	} {
		require.ErrorContains(t, limited.Do(t.Context(), command...).Err(), "NOPERM", command)
	}
	detail, err := b.probe()
	require.NoError(t, err)
	require.Empty(t, detail)
	require.NoError(t, b.rdb.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
	for _, without := range []string{"-config", "-info +config|get", "-config -info"} { // managed Redis forbids the one or the other
		require.NoError(t, b.rdb.Do(t.Context(), append([]any{"ACL", "SETUSER", "cinnamon", "+info"}, words(without)...)...).Err())
		detail, err = b.probe()
		require.NoError(t, err)
		require.Equal(t, without != "-config -info", strings.Contains(detail, "allkeys-lru"), "%s: %s", without, detail)
	}
}

func words(text string) []any {
	var list []any
	for word := range strings.FieldsSeq(text) {
		list = append(list, word)
	}
	return list
}

func TestRightsThatAreTooFewLoseNothing(t *testing.T) {
	t.Parallel()
	const password = "secret"
	server := own(t, &testkit.Redis{Users: []string{documentedRule(t, "cinnamon", password)}})
	b := setupBy(t, connect(t, server.URL(t)), "", "REDIS_URL="+server.URLAs(t, "cinnamon", password))
	b.settled()
	for n, less := range []string{
		"-eval", "-hset", "resetkeys ~bull:* ~progress:*", "resetkeys ~bull:* ~cinnamon:bull:*", "resetchannels",
	} {
		require.NoError(t, b.rdb.Do(t.Context(), append([]any{"ACL", "SETUSER", "cinnamon"}, words(less)...)...).Err())
		before := b.log.of(b.def.Name, "docs/configuration.md has the ACL rule")
		id := b.add(fmt.Sprintf("run-%d", n), nil)
		b.pass(id)
		b.await(patience, "the log says so: "+less, func() bool { return b.log.of(b.def.Name, "docs/configuration.md has the ACL rule") > before })
		rule := words(documentedRule(t, "cinnamon", password))
		require.NoError(t, b.rdb.Do(t.Context(), append([]any{"ACL", "SETUSER"}, rule...)...).Err())
		b.awaitSeq(id, 3)
		b.await(patience, "all is well", func() bool { return b.log.of(b.def.Name, "changes are relayed again") == n+1 })
		require.Subset(t, b.events(), []string{"added " + id, "waiting " + id, "active " + id, "completed " + id}, less)
	}
	require.Zero(t, b.log.count("set aside"))
}

func TestRedisOverTLS(t *testing.T) {
	t.Parallel()
	authority := testkit.NewAuthority(t)
	server := own(t, &testkit.Redis{TLS: authority, Names: []string{"redis.internal"}, AskClients: true})
	host, port, password := at(t, server.URL(t))
	ca := authority.File(t)
	certificate, key := authority.Issue(t, "cinnamon")
	variables := func(more ...string) []string {
		return append([]string{
			"REDIS_HOST=" + host, "REDIS_PORT=" + strconv.Itoa(port), "REDIS_PASSWORD=" + password, "REDIS_TLS=true",
		}, more...)
	}
	pem := func(path string) string {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(content)
	}
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(pem(ca))))
	own, err := tls.LoadX509KeyPair(certificate, key)
	require.NoError(t, err)
	rdb := redis.NewClient(&redis.Options{
		Addr: host + ":" + strconv.Itoa(port), Password: password,
		TLSConfig: &tls.Config{RootCAs: pool, ServerName: "redis.internal", Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12},
	})
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	b := setupBy(t, rdb, "", variables(
		"REDIS_TLS_CA="+ca, "REDIS_TLS_SERVER_NAME=redis.internal", "REDIS_TLS_CERT="+certificate, "REDIS_TLS_KEY="+key)...)
	b.carriesOut(map[string]any{
		"host": host, "port": port, "password": password,
		"tls": map[string]any{"ca": pem(ca), "servername": "redis.internal", "cert": pem(certificate), "key": pem(key)},
	}, nil)

	for name, wrong := range map[string]struct {
		variables []string
		says      string
	}{
		"nobody trusts it":   {[]string{"REDIS_TLS_SERVER_NAME=redis.internal"}, "name that one's file in REDIS_TLS_CA"},
		"another authority":  {[]string{"REDIS_TLS_CA=" + testkit.NewAuthority(t).File(t), "REDIS_TLS_SERVER_NAME=redis.internal"}, "name that one's file in REDIS_TLS_CA"},
		"another name":       {[]string{"REDIS_TLS_CA=" + ca}, "set REDIS_TLS_SERVER_NAME"},
		"no certificate":     {[]string{"REDIS_TLS_CA=" + ca, "REDIS_TLS_SERVER_NAME=redis.internal"}, "set REDIS_TLS_CERT and REDIS_TLS_KEY"},
		"a stranger's":       {append([]string{"REDIS_TLS_CA=" + ca, "REDIS_TLS_SERVER_NAME=redis.internal"}, strangers(t)...), "see REDIS_TLS_CERT and REDIS_TLS_KEY"},
		"none where TLS is":  {[]string{"REDIS_TLS=false"}, "its address must begin with rediss://"},
		"and the wrong pass": {[]string{"REDIS_PASSWORD=wrong", "REDIS_TLS_CA=" + ca, "REDIS_TLS_SERVER_NAME=redis.internal", "REDIS_TLS_CERT=" + certificate, "REDIS_TLS_KEY=" + key}, "the user name or the password is wrong"},
	} {
		_, err := probeBy(t, variables(wrong.variables...)...)
		require.ErrorContains(t, err, wrong.says, name)
		require.NotContains(t, err.Error(), password, name)
	}
}

func strangers(t *testing.T) []string {
	t.Helper()
	certificate, key := testkit.NewAuthority(t).Issue(t, "stranger")
	return []string{"REDIS_TLS_CERT=" + certificate, "REDIS_TLS_KEY=" + key}
}

func TestRedisByItsSocket(t *testing.T) {
	t.Parallel()
	server := own(t, new(testkit.Redis))
	address := server.SocketURL(t)
	u, err := url.Parse(address)
	require.NoError(t, err)
	password, _ := u.User.Password()
	b := setupBy(t, connect(t, server.URL(t)), "", "REDIS_URL="+address)
	b.carriesOut(map[string]any{"path": u.Path, "password": password}, nil)
}

func TestRedisThroughSentinelsAndAFailover(t *testing.T) {
	t.Parallel()
	s := testkit.NewRedisSentinel(t, documentedRule(t, "watcher", "sees-all"))
	hosts, password := s.Hosts(), s.Password()
	rdb := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: s.Name(), SentinelAddrs: hosts, SentinelPassword: password, Password: password,
	})
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	b := setupBy(t, rdb, "", "REDIS_SENTINELS="+strings.Join(hosts, ","), "REDIS_SENTINEL_MASTER="+s.Name(),
		"REDIS_SENTINEL_USERNAME=watcher", "REDIS_SENTINEL_PASSWORD=sees-all", "REDIS_PASSWORD="+password)
	var sentinels []map[string]any
	for _, host := range hosts {
		name, port, _ := at(t, "redis://"+host)
		sentinels = append(sentinels, map[string]any{"host": name, "port": port})
	}
	b.carriesOut(map[string]any{
		"sentinels": sentinels, "name": s.Name(), "sentinelUsername": "watcher", "sentinelPassword": "sees-all", "password": password,
	}, func() {
		require.Equal(t, int64(1), rdb.Wait(t.Context(), 1, patience).Val(), "the replica has all")
		before := s.Master(t)
		s.KillMaster(t)
		meanwhile := b.add("meanwhile", nil)
		b.await(patience, "the replica has taken over, and the bridge goes on", func() bool {
			shown, err := rdb.HGet(t.Context(), b.keys.Job(meanwhile), "cn:ev").Int64()
			return err == nil && shown >= 1
		})
		require.NotEqual(t, before, s.Master(t))
		b.pass(meanwhile)
		b.awaitSeq(meanwhile, 3)
	})
}

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	c := testkit.NewRedisCluster(t)
	var nodes []map[string]any
	var password string
	var hosts []string
	for _, address := range c.Nodes() {
		host, port, secret := at(t, address)
		nodes = append(nodes, map[string]any{"host": host, "port": port})
		hosts, password = append(hosts, host+":"+strconv.Itoa(port)), secret
	}
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: hosts, Password: password})
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	b := setupBy(t, rdb, "", "REDIS_URL="+c.URL(), "QUEUE_PREFIX={bull}")
	b.carriesOut(map[string]any{"nodes": nodes, "options": map[string]any{"password": password}}, nil)

	// Many runs, whose progress:* keys are all over the cluster.
	b.settled()
	publisher := b.publisher()
	var runs []string
	for i := range 30 {
		id := b.add("many-"+strconv.Itoa(i), nil)
		runs = append(runs, id)
		publisher.Publish(b.def.Name, id, id, b.claim(id, 0), record(i))
	}
	slots := map[int64]bool{}
	for i, id := range runs {
		key := "progress:" + id
		b.await(patience, "the progress is shown", func() bool { return rdb.Get(t.Context(), key).Val() == string(record(i)) })
		slots[rdb.ClusterKeySlot(t.Context(), key).Val()*3/16384] = true
		b.finish(id, 1, store.Outcome{Status: store.RunCompleted, Result: json.RawMessage(`{}`), Progress: record(100)})
	}
	publisher.Close()
	require.Len(t, slots, 3, "they are on every node")
	for _, id := range runs {
		b.awaitSeq(id, 3)
		b.await(patience, "the last progress is shown", func() bool {
			return rdb.Get(t.Context(), "progress:"+id).Val() == string(record(100))
		})
	}

	one := rdb
	require.NoError(t, one.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error {
		if strings.HasSuffix(node.Options().Addr, hosts[2]) {
			return node.ConfigSet(ctx, "maxmemory-policy", "allkeys-lru").Err()
		}
		return nil
	}))
	detail, err := b.probe()
	require.NoError(t, err)
	require.Contains(t, detail, "allkeys-lru", "of one of its nodes")

	single := setupBy(t, rdb, "", "REDIS_URL="+c.Nodes()[0])
	single.bridge()
	single.await(patience, "the bridge says that it is a cluster", func() bool {
		return single.log.count("let its address begin with redis-cluster://") > 0
	})
	_, err = probeBy(t, "REDIS_URL="+strings.Replace(shared.URL(t), "redis://", "redis-cluster://", 1), "QUEUE_PREFIX={bull}")
	require.ErrorContains(t, err, "it is no cluster")
}

func TestAQueueOnARedisOfItsOwn(t *testing.T) {
	t.Parallel()
	alone, others := own(t, new(testkit.Redis)), own(t, new(testkit.Redis))
	address := alone.URL(t)
	host, port, password := at(t, address)
	b := setupBy(t, connect(t, address), "", "REDIS_URL="+others.URL(t), "REDIS_URL_TEST_EXECUTION="+address)
	b.carriesOut(map[string]any{"host": host, "port": port, "password": password}, nil)
	require.Empty(t, connect(t, others.URL(t)).Keys(t.Context(), "*"+b.def.Name+"*").Val(), "nothing of it is on the others'")
	require.Empty(t, b.rdb.Keys(t.Context(), "*"+queue.Cleanup+"*").Val(), "nor of the others on its own")

	others.Kill(t)
	_, err := b.probe()
	require.ErrorContains(t, err, "the Redis of "+queue.Cleanup+", "+queue.AdaptationLearning+" does not answer")
	b.await(patience, "the others' changes wait", func() bool {
		return b.log.of(queue.Cleanup, "changes wait in the outbox") > 0 && b.log.of(queue.AdaptationLearning, "changes wait in the outbox") > 0
	})
	id := b.add("meanwhile", nil)
	b.pass(id)
	b.awaitSeq(id, 3)
	require.Zero(t, b.log.of(b.def.Name, "changes wait in the outbox"), "a queue on another Redis goes on")
}
