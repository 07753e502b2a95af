package archtest_test

// A path in a rule is relative to the repository's module if its first element has no dot and names one of our folders:
// "store/postgres". A trailing "/..." takes in everything below. "ours" is every package of the repository.

// home says that a library is imported in these packages only.
type home struct {
	library string
	homes   []string
	reason  string
}

var homes = []home{
	{"github.com/mxschmitt/playwright-go", []string{"browser/pwgo"}, "everyone else drives a browser through the browser port"},
	{"github.com/jackc/pgx/v5", []string{"store/postgres", "internal/testkit", "internal/pgserver"}, "Postgres has one home, so SQL is found in one folder"},
	{"database/sql", []string{"store/postgres"}, "Postgres has one home, so SQL is found in one folder"},
	{"github.com/pressly/goose/v3", []string{"store/postgres"}, "only the store migrates"},
	{"github.com/redis/go-redis/v9", []string{"redisbridge/...", "internal/redisserver"}, "a run must not depend on Redis, so only the bridge knows it"},
	{"github.com/hashicorp/cronexpr", []string{"redisbridge/bullmq"}, "patterns mean what BullMQ's clients take them for, which is found out in one place"},
	{"golang.org/x/net", []string{"egress"}, "hosts are read as browsers read them, which is found out in one place"},
	{"github.com/nicholas-fedor/shoutrrr", []string{"internal/alert"}, "who is told of alerts, and that no address is told, is looked after in one place"},
	{"github.com/gin-gonic/gin", []string{"api"}, "HTTP is one edge of the system, not its vocabulary"},
	{"github.com/joho/godotenv", []string{"config"}, "config is the only reader of settings"},
	{"github.com/caarlos0/env/v11", []string{"config"}, "config is the only reader of the environment"},
	{"github.com/aws/aws-sdk-go-v2", []string{"artifact/s3"}, "one kind of store among others, which nobody else should know of"},
	{"github.com/spf13/cobra", []string{"cmd/...", "internal/cli", "devstack/..."}, "commands live in cmd"},
	{"github.com/vbauerster/mpb/v8", []string{"internal/cli", "devstack/..."}, "bars are drawn by the command line only"},
	{"github.com/santhosh-tekuri/jsonschema/v6", []string{"testcase"}, "the schema of cases is tested where it lives, and nothing that ships needs it"},
	{"go.temporal.io/sdk/workflow", []string{"workflows"}, "workflow code is checked for determinism where it lives"},
	{"go.temporal.io/sdk/activity", []string{"activities", "worker"}, "activity code lives in one package, and worker registers it"},
	{"go.temporal.io/sdk/client", []string{"starter", "worker", "cmd/...", "e2e/...", "internal/testkit", "devstack/..."}, "starter is the only place that starts, signals, queries and cancels"},
	{"go.temporal.io/server", []string{"devstack/..."}, "the embedded server's dependencies stay out of the product"},
	{"github.com/temporalio/ui-server/v2", []string{"devstack/..."}, "the embedded Web UI's dependencies stay out of the product"},
	{"github.com/prometheus/client_golang", []string{"internal/metrics"}, "every metric has its name in one place"},
	{"go.opentelemetry.io/otel", []string{"internal/metrics", "internal/tracing"}, "Temporal's SDK is measured in one place"},
	{"go.temporal.io/sdk/contrib/opentelemetry", []string{"internal/metrics", "internal/tracing"}, "Temporal's SDK is measured in one place"},
	{"github.com/stretchr/testify", []string{"internal/testkit", "internal/process", "internal/pgserver", "internal/redisserver", "browser/browsertest", "store/storetest"}, "test helpers stay out of what ships"},
	{"go.temporal.io/sdk/testsuite", []string{"internal/testkit"}, "test helpers stay out of what ships"},
}

// ban says that a package imports none of these.
type ban struct {
	from   string
	to     []string
	except []string
	reason string
}

var bans = []ban{
	{from: "testcase", to: []string{"ours", "os", "net/http"}, reason: "the vocabulary depends on nothing and does no I/O"},
	{from: "queue", to: []string{"ours", "os", "net/http"}, except: []string{"internal/fault"}, reason: "the state machine of jobs is pure"},
	{from: "healing", to: []string{"ours", "os", "net", "net/http", "time", "math/rand", "math/rand/v2"}, reason: "it compares what it is given, and gives the same answer each time"},
	{from: "learning", to: []string{"ours", "os", "net", "net/http", "math/rand", "math/rand/v2"}, reason: "it judges the records that it is given, and gives the same answer each time"},
	{from: "cleanup", to: []string{"ours", "os", "net/http", "database/sql"}, except: []string{"artifact", "internal/fault"}, reason: "policy knows ports, and who calls it hands it the implementations"},
	{from: "redisbridge/bullmq", to: []string{"ours"}, reason: "it is BullMQ's protocol alone"},
	{from: "config", to: []string{"ours"}, except: []string{"internal/fault", "queue", "artifact", "payload"}, reason: "everyone reads settings, settings read nobody"},
	{from: "internal/casepatch", to: []string{"ours", "os", "net/http"}, except: []string{"testcase"}, reason: "what becomes of a text depends on nothing else"},
	{from: "internal/fault", to: []string{"ours"}, reason: "every package may use it"},
	{from: "internal/alert", to: []string{"ours"}, except: []string{"store", "queue"}, reason: "it knows what to watch, not who watches"},
	{from: "internal/cli", to: []string{"store/...", "workflows", "activities", "starter", "worker", "api", "redisbridge/...", "browser/..."}, reason: "the client side knows the system through its HTTP API only"},
	{from: "browser", to: []string{"ours"}, except: []string{"testcase", "secret", "healing"}, reason: "a port knows the vocabulary, not who uses or implements it"},
	{from: "payload", to: []string{"ours"}, reason: "whoever handles keys is read easily"},
	{from: "secret", to: []string{"ours"}, reason: "whoever handles secrets is read easily"},
	{from: "egress", to: []string{"ours"}, reason: "it is a proxy with a policy, usable alone"},
	{from: "browser/pwgo", to: []string{"ours"}, except: []string{"browser", "testcase", "secret", "egress", "healing"}, reason: "an implementation knows its port, not who uses it"},
	{from: "store/...", to: []string{"api", "starter", "worker", "workflows", "activities", "redisbridge/...", "browser/..."}, reason: "records know nothing of what is done with them"},
	{from: "artifact", to: []string{"ours"}, except: []string{"internal/fault"}, reason: "files know nothing of what is done with them"},
	{from: "artifact/s3", to: []string{"ours"}, except: []string{"artifact"}, reason: "an implementation knows its port, not who uses it"},
	{from: "activities", to: []string{"api", "worker", "redisbridge/...", "browser/pwgo", "store/postgres", "artifact/s3", "artifact/backend", "config"}, reason: "activities know ports; worker hands them the implementations"},
	{from: "workflows", to: []string{"api", "starter", "worker", "redisbridge/...", "browser/...", "store/postgres", "artifact/...", "config"}, reason: "workflow code does no I/O: that is what activities are for"},
	{from: "workflows", to: []string{"os", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "database/sql"}, reason: "workflow code must give the same result when it is replayed"},
	{from: "starter", to: []string{"api", "worker", "redisbridge/...", "browser/..."}, reason: "both edges start runs through it; it knows neither"},
	{from: "api", to: []string{"worker", "browser/...", "redisbridge/bullmq"}, reason: "the API starts and reads runs, it does not execute them"},
	{from: "ours", to: []string{"cmd/...", "e2e/...", "devstack/..."}, except: []string{"devstack/..."}, reason: "programs import packages, never the other way"},
}

// A program must not link any of these, however indirectly.
var unlinked = map[string][]string{
	"cmd/cinnamon": {"go.temporal.io/server", "github.com/temporalio/ui-server/v2", "internal/testkit", "internal/process", "internal/pgserver", "internal/redisserver", "browser/browsertest", "store/storetest"},
}
