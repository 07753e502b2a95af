package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/cinnamon-qa/cinnamon/internal/process"
)

const (
	// Namespace is the one that exists from the start.
	Namespace = "default"

	retention    = 7 * 24 * time.Hour
	startTimeout = 30 * time.Second
)

// Options describes a server.
type Options struct {
	// File is where the server keeps its state; empty means in memory.
	File string
	// Port to listen on; 0 is a free one.
	Port int
	// Log receives what the server reports.
	Log *slog.Logger
}

// Server is a running Temporal server.
type Server struct {
	server  temporal.Server
	address string
}

// Address is the host and port that clients dial.
func (s *Server) Address() string { return s.address }

// Start runs a server until it answers.
func Start(ctx context.Context, o Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	server, err := process.Retry(ctx, o.Port, func(port int) (*Server, error) { return start(ctx, o, port) })
	if err != nil {
		return nil, fmt.Errorf("starting Temporal: %w", err)
	}
	return server, nil
}

func start(ctx context.Context, o Options, port int) (*Server, error) {
	store, err := openStore(o.File)
	if err != nil {
		return nil, err
	}
	ports := servicePorts{frontend: port}
	for _, internal := range []*int{&ports.history, &ports.matching, &ports.worker} {
		if *internal, err = process.FreePort(ctx); err != nil {
			return nil, err
		}
	}
	settings := settings(store, ports)
	if err := createNamespace(settings); err != nil {
		return nil, err
	}
	s := &Server{address: process.Loopback(port)}
	err = catchFatal(func() error {
		if s.server, err = newServer(settings, ports, logger{out: o.Log}); err != nil {
			return fmt.Errorf("composing the server: %w", err)
		}
		return s.server.Start()
	})
	if err == nil {
		err = awaitAnswer(ctx, s.address, o.Log)
	}
	if err != nil {
		return nil, errors.Join(err, s.abandon())
	}
	return s, nil
}

func newServer(settings *config.Config, ports servicePorts, logger log.Logger) (temporal.Server, error) {
	return temporal.NewServer(
		temporal.WithConfig(settings),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(map[primitives.ServiceName]static.Hosts{
			primitives.FrontendService: static.SingleLocalHost(process.Loopback(ports.frontend)),
			primitives.HistoryService:  static.SingleLocalHost(process.Loopback(ports.history)),
			primitives.MatchingService: static.SingleLocalHost(process.Loopback(ports.matching)),
			primitives.WorkerService:   static.SingleLocalHost(process.Loopback(ports.worker)),
		}),
		temporal.WithLogger(logger),
		temporal.WithDynamicConfigClient(tuning()),
		temporal.WithCustomMetricsHandler(metrics.NoopMetricsHandler),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper {
			return authorization.NewNoopClaimMapper()
		}),
	)
}

// createNamespace makes the namespace in the store, before the server reads which ones there are.
func createNamespace(settings *config.Config) error {
	namespace, err := sqlite.NewNamespaceConfig(clusterName, Namespace, false, nil)
	if err != nil {
		return fmt.Errorf("describing namespace %s: %w", Namespace, err)
	}
	namespace.Detail.Config.Retention = durationpb.New(retention)
	if err := sqlite.CreateNamespaces(sqlSettings(settings), namespace); err != nil {
		return fmt.Errorf("creating namespace %s: %w", Namespace, err)
	}
	return nil
}

// awaitAnswer asks for the namespace until the frontend, and the services behind it, answer.
func awaitAnswer(ctx context.Context, address string, out *slog.Logger) error {
	namespaces, err := client.NewNamespaceClient(client.Options{HostPort: address, Logger: sdklog.NewStructuredLogger(out)})
	if err != nil {
		return fmt.Errorf("connecting to the server: %w", err)
	}
	defer namespaces.Close()
	for {
		_, err := namespaces.Describe(ctx, Namespace)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for an answer: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop ends the server. When the context ends first the server is left to end with the process.
func (s *Server) Stop(ctx context.Context) error {
	stopped := make(chan error, 1)
	go func() { stopped <- s.server.Stop() }()
	select {
	case err := <-stopped:
		if err != nil {
			return fmt.Errorf("stopping Temporal: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stopping Temporal: %w", ctx.Err())
	}
}

// abandon ends what was started of a server that did not come up.
func (s *Server) abandon() error {
	if s.server == nil {
		return nil
	}
	return catchFatal(s.server.Stop)
}
