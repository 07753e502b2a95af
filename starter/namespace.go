package starter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	sdkclient "go.temporal.io/sdk/client"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// Cluster is what is known of a Temporal server and a namespace.
type Cluster struct {
	Version string
	// Retention is how long ended workflows are kept.
	Retention time.Duration
}

// Examine asks the server about itself and the namespace. A fault of code NotFound says that there is no such namespace.
func Examine(ctx context.Context, c sdkclient.Client, namespace string) (Cluster, error) {
	found, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if _, unknown := errors.AsType[*serviceerror.NamespaceNotFound](err); unknown {
		return Cluster{}, fault.New(fault.NotFound, "there is no namespace %q", namespace)
	}
	if err != nil {
		return Cluster{}, fmt.Errorf("asking about namespace %s: %w", namespace, err)
	}
	cluster := Cluster{Retention: found.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration()}
	if info, err := c.WorkflowService().GetClusterInfo(ctx, &workflowservice.GetClusterInfoRequest{}); err == nil {
		cluster.Version = info.GetServerVersion()
	}
	return cluster, nil
}
