package starter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	sdkclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"

	"github.com/cinnamon-qa/cinnamon/config"
	"github.com/cinnamon-qa/cinnamon/internal/fault"
	"github.com/cinnamon-qa/cinnamon/payload"
	"github.com/cinnamon-qa/cinnamon/workflows"
)

// Option changes how the connection to Temporal is made.
type Option func(*sdkclient.Options)

// WithMetrics measures what the SDK does.
func WithMetrics(to sdkclient.MetricsHandler) Option {
	return func(o *sdkclient.Options) { o.MetricsHandler = to }
}

// WithTracing follows workflows and activities; nil follows nothing.
func WithTracing(by interceptor.Interceptor) Option {
	return func(o *sdkclient.Options) {
		if by != nil {
			o.Interceptors = append(o.Interceptors, by)
		}
	}
}

// Dial connects to the Temporal server. It doesn't wait for it: a server that is away now may come back. Every client of the
// product is made here: what it sends is encrypted if there are keys.
func Dial(cfg config.Temporal, log *slog.Logger, more ...Option) (sdkclient.Client, error) {
	codec, err := cfg.Codec()
	if err != nil {
		return nil, err
	}
	options := sdkclient.Options{
		HostPort: cfg.Address, Namespace: cfg.Namespace, Logger: sdkLogger{log},
		DataConverter: payload.Converter(codec), FailureConverter: payload.FailureConverter(codec),
	}
	for _, option := range more {
		option(&options)
	}
	c, err := sdkclient.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("preparing the connection to Temporal at %s: %w", cfg.Address, err)
	}
	return c, nil
}

// Ping checks that the Temporal server answers.
func Ping(ctx context.Context, c sdkclient.Client) error {
	if _, err := c.CheckHealth(ctx, &sdkclient.CheckHealthRequest{}); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the Temporal server does not answer")
	}
	return nil
}

// sdkLogger gives the SDK's own chatter its place: what it calls info is detail to an operator of this product.
type sdkLogger struct{ log *slog.Logger }

func (l sdkLogger) Debug(msg string, kv ...any) { l.log.Debug(msg, kv...) } //nolint:sloglint // the message is the SDK's
func (l sdkLogger) Info(msg string, kv ...any)  { l.log.Debug(msg, kv...) } //nolint:sloglint // the message is the SDK's
func (l sdkLogger) Warn(msg string, kv ...any)  { l.log.Warn(msg, kv...) }  //nolint:sloglint // the message is the SDK's
func (l sdkLogger) Error(msg string, kv ...any) { l.log.Error(msg, kv...) } //nolint:sloglint // the message is the SDK's

// RegisterSearchAttributes makes the namespace know the search attributes of runs. It may be called again and again.
func RegisterSearchAttributes(ctx context.Context, cfg config.Temporal) error {
	c, err := Dial(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer c.Close()
	missing, err := MissingSearchAttributes(ctx, c, cfg.Namespace)
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		return nil
	}
	wanted := make(map[string]enumspb.IndexedValueType, len(missing))
	for _, name := range missing {
		wanted[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: cfg.Namespace, SearchAttributes: wanted,
	})
	if _, exists := errors.AsType[*serviceerror.AlreadyExists](err); err != nil && !exists {
		return fmt.Errorf("registering search attributes in namespace %s: %w", cfg.Namespace, err)
	}
	return nil
}

// MissingSearchAttributes lists the search attributes that the namespace doesn't know.
func MissingSearchAttributes(ctx context.Context, c sdkclient.Client, namespace string) ([]string, error) {
	known, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("listing the search attributes of namespace %s: %w", namespace, err)
	}
	var missing []string
	for _, key := range workflows.SearchAttributes() {
		if _, ok := known.GetCustomAttributes()[key.GetName()]; !ok {
			missing = append(missing, key.GetName())
		}
	}
	return missing, nil
}
