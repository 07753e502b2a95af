package starter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	sdkclient "go.temporal.io/sdk/client"

	"github.com/cinnamon-qa/cinnamon/internal/fault"
)

// Build is a version of the workers of a deployment.
type Build struct {
	ID string `json:"id"`
	// State is current (it takes new runs), ramping (it takes Percent of them), draining (pinned runs of it go on), drained or
	// inactive (it has taken none).
	State   string    `json:"state"`
	Percent float32   `json:"percent,omitempty"`
	Since   time.Time `json:"since"`
}

// Builds lists the builds of a deployment's workers.
func Builds(ctx context.Context, c sdkclient.Client, deployment string) ([]Build, error) {
	found, err := c.WorkerDeploymentClient().GetHandle(deployment).Describe(ctx, sdkclient.WorkerDeploymentDescribeOptions{})
	if _, unknown := errors.AsType[*serviceerror.NotFound](err); unknown {
		return nil, fault.New(fault.NotFound, "no worker has said yet that it belongs to the deployment %q", deployment)
	}
	if err != nil {
		return nil, fmt.Errorf("asking Temporal about the deployment %s: %w", deployment, err)
	}
	routes := found.Info.RoutingConfig
	builds := make([]Build, len(found.Info.VersionSummaries))
	for i, v := range found.Info.VersionSummaries {
		b := Build{ID: v.Version.BuildID, State: "inactive", Since: v.CreateTime}
		switch {
		case routes.CurrentVersion != nil && *routes.CurrentVersion == v.Version:
			b.State = "current"
		case routes.RampingVersion != nil && *routes.RampingVersion == v.Version:
			b.State, b.Percent = "ramping", routes.RampingVersionPercentage
		case v.DrainageStatus == sdkclient.WorkerDeploymentVersionDrainageStatusDraining:
			b.State = "draining"
		case v.DrainageStatus == sdkclient.WorkerDeploymentVersionDrainageStatusDrained:
			b.State = "drained"
		}
		builds[i] = b
	}
	return builds, nil
}

// askForWorkersEvery is how often it is tried to promote a build whose workers have not come yet.
const askForWorkersEvery = time.Second

// Promote gives a build percent of the new runs; with 100 it becomes the current one; an empty one stands for workers without a version. Until ctx ends it waits for workers of that build, which
// must be there for every task queue that the build before took from.
func Promote(ctx context.Context, c sdkclient.Client, deployment, build string, percent float32) error {
	handle := c.WorkerDeploymentClient().GetHandle(deployment)
	for {
		var err error
		if percent >= 100 {
			_, err = handle.SetCurrentVersion(ctx, sdkclient.WorkerDeploymentSetCurrentVersionOptions{BuildID: build})
		} else {
			_, err = handle.SetRampingVersion(ctx, sdkclient.WorkerDeploymentSetRampingVersionOptions{BuildID: build, Percentage: percent})
		}
		_, unknown := errors.AsType[*serviceerror.NotFound](err)
		_, missing := errors.AsType[*serviceerror.FailedPrecondition](err)
		if !unknown && !missing {
			return err //nolint:wrapcheck // the caller says what it was about
		}
		select {
		case <-ctx.Done():
			return fault.Wrap(fault.Unavailable, err, "no workers of build %s take jobs for the deployment %q", build, deployment)
		case <-time.After(askForWorkersEvery):
		}
	}
}
