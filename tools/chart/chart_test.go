// Package chart_test lints and renders the Helm chart with Helm's own code, and reads what comes out as strictly as Kubernetes does.
package chart_test

import (
	"bytes"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"helm.sh/helm/v4/pkg/chart/common"
	chartutil "helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const folder = "../../deploy/helm/cinnamon"

type values = map[string]any

// scaledObject is what the chart may say to KEDA, whose own types would bring KEDA along.
type scaledObject struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        metav1.ObjectMeta `json:"metadata"`
	Spec            struct {
		ScaleTargetRef  struct{ Name string } `json:"scaleTargetRef"`
		MinReplicaCount *int32                `json:"minReplicaCount"`
		MaxReplicaCount *int32                `json:"maxReplicaCount"`
		CooldownPeriod  *int32                `json:"cooldownPeriod"`
		Advanced        struct {
			HorizontalPodAutoscalerConfig struct {
				Behavior autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior"`
			} `json:"horizontalPodAutoscalerConfig"`
		} `json:"advanced"`
		Triggers []struct {
			Type     string            `json:"type"`
			Metadata map[string]string `json:"metadata"`
		} `json:"triggers"`
	} `json:"spec"`
}

// fieldsOf are the names that KEDA 2.22 reads of a trigger's metadata.
var fieldsOf = map[string][]string{
	"temporal": {
		"endpoint", "endpointFromEnv", "namespace", "activationTargetQueueSize", "targetQueueSize", "taskQueue", "queueTypes",
		"workerDeploymentName", "workerDeploymentBuildId", "includeRunningWorkflowCount", "workflowTaskQueueForCount", "apiKeyFromEnv",
		"minConnectTimeout", "unsafeSsl", "tlsServerName", "enableTLS",
	},
	"postgresql": {"connectionFromEnv", "query", "targetQueryValue", "activationTargetQueryValue", "host", "port", "userName", "dbName", "sslmode", "passwordFromEnv"},
}

// release is what the chart makes, by kind and name.
type release struct {
	deployments map[string]appsv1.Deployment
	jobs        []batchv1.Job
	budgets     []policyv1.PodDisruptionBudget
	services    []corev1.Service
	config      corev1.ConfigMap
	scaled      *scaledObject
}

// render does what `helm template` does.
func render(t *testing.T, set values) release {
	t.Helper()
	chart, err := loader.Load(folder)
	require.NoError(t, err)
	text, err := yaml.Marshal(set)
	require.NoError(t, err)
	set, err = loader.LoadValues(bytes.NewReader(text)) // as --values is read
	require.NoError(t, err)
	all, err := chartutil.ToRenderValues(chart, set, common.ReleaseOptions{Name: "qa", Namespace: "default", Revision: 1, IsInstall: true}, common.DefaultCapabilities)
	require.NoError(t, err)
	files, err := engine.Engine{Strict: true}.RenderWithContext(t.Context(), chart, all)
	require.NoError(t, err)
	made := release{deployments: map[string]appsv1.Deployment{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for document := range strings.SplitSeq(files[name], "\n---\n") {
			if strings.TrimSpace(strings.TrimPrefix(document, "---\n")) != "" {
				made.take(t, name, document)
			}
		}
	}
	return made
}

func (r *release) take(t *testing.T, name, document string) {
	t.Helper()
	var kind metav1.TypeMeta
	require.NoError(t, yaml.Unmarshal([]byte(document), &kind), name)
	read := func(into any) {
		require.NoError(t, yaml.UnmarshalStrict([]byte(document), into), "%s: %s", name, document)
	}
	switch kind.APIVersion + " " + kind.Kind {
	case "apps/v1 Deployment":
		var d appsv1.Deployment
		read(&d)
		require.Equal(t, d.Spec.Selector.MatchLabels, d.Spec.Template.Labels, "%s: a deployment must find its pods", name)
		r.deployments[strings.TrimPrefix(d.Name, "qa-cinnamon-")] = d
	case "batch/v1 Job":
		var j batchv1.Job
		read(&j)
		r.jobs = append(r.jobs, j)
	case "policy/v1 PodDisruptionBudget":
		var b policyv1.PodDisruptionBudget
		read(&b)
		r.budgets = append(r.budgets, b)
	case "v1 Service":
		var s corev1.Service
		read(&s)
		r.services = append(r.services, s)
	case "v1 ConfigMap":
		read(&r.config)
	case "keda.sh/v1alpha1 ScaledObject":
		r.scaled = &scaledObject{}
		read(r.scaled)
	default:
		require.Fail(t, "nobody knows this kind", "%s: %s", name, document)
	}
}

func TestChartPassesHelmsLinter(t *testing.T) {
	t.Parallel()
	for name, set := range variants() {
		for _, found := range lint.RunAll(folder, set, "default").Messages {
			require.Less(t, found.Severity, support.WarningSev, "%s: %s", name, found)
		}
	}
}

// variants are what people set.
func variants() map[string]values {
	return map[string]values{
		"defaults":                         {},
		"keda":                             {"keda": values{"enabled": true}},
		"keda from zero, without Postgres": {"keda": values{"enabled": true, "minReplicas": 0, "countRunning": false}},
		"versioned, for KEDA too":          {"worker": values{"deployment": "qa", "buildId": "7", "versioning": "pinned"}, "keda": values{"enabled": true}},
		"no budget":                        {"podDisruptionBudget": values{"enabled": false}},
		"services elsewhere": {
			"existingSecret": "qa-secrets",
			"config": values{
				"TEMPORAL_ADDRESS": "temporal.example.com:7233", "TEMPORAL_NAMESPACE": "qa", "S3_ENDPOINT": "https://s3.example.com", "S3_BUCKET": "qa",
				"REDIS_TLS": true, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318", "CLEANUP_MAX_RUNS": 2000000,
			},
			"worker": values{"concurrency": "auto", "egress": values{"mode": "allowlist", "allow": "staging.corp"}},
		},
	}
}

// Every variant is what Kubernetes reads, and what its pods are told are settings that there are.
func TestVariantsAreReadStrictly(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	known := map[string]bool{"HOME": true}
	for _, found := range regexp.MustCompile("`([A-Z0-9_]+)`").FindAllStringSubmatch(string(text), -1) {
		known[found[1]] = true
	}
	for name, set := range variants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := render(t, set)
			require.ElementsMatch(t, []string{"api", "bridge", "worker"}, slices.Collect(maps.Keys(made.deployments)))
			require.Len(t, made.services, 1)
			var pods []corev1.PodSpec
			for _, job := range made.jobs {
				pods = append(pods, job.Spec.Template.Spec)
			}
			for role, d := range made.deployments {
				pod := d.Spec.Template.Spec
				require.Equal(t, []string{role}, pod.Containers[0].Args)
				require.Equal(t, "/livez", pod.Containers[0].LivenessProbe.HTTPGet.Path)
				require.Equal(t, "/readyz", pod.Containers[0].ReadinessProbe.HTTPGet.Path)
				pods = append(pods, pod)
			}
			for _, pod := range pods {
				requireConfined(t, pod)
				for _, variable := range pod.Containers[0].Env {
					require.True(t, known[variable.Name], variable.Name)
				}
			}
			for setting := range made.config.Data {
				require.True(t, known[setting], setting)
			}
		})
	}
}

func requireConfined(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	require.Len(t, pod.Containers, 1)
	require.False(t, *pod.AutomountServiceAccountToken)
	require.True(t, *pod.SecurityContext.RunAsNonRoot)
	require.True(t, *pod.Containers[0].SecurityContext.ReadOnlyRootFilesystem)
	require.False(t, *pod.Containers[0].SecurityContext.AllowPrivilegeEscalation)
}

func TestWorkersDrain(t *testing.T) {
	t.Parallel()
	made := render(t, values{"worker": values{"stopTimeoutSeconds": 300}})
	worker := made.deployments["worker"].Spec
	require.EqualValues(t, 330, *worker.Template.Spec.TerminationGracePeriodSeconds)
	require.Contains(t, worker.Template.Spec.Containers[0].Env, corev1.EnvVar{Name: "WORKER_STOP_TIMEOUT", Value: "300s"})
	require.Len(t, made.budgets, 3)
	require.Empty(t, render(t, variants()["no budget"]).budgets)
}

// Tables are there before what needs them, as the settings of this release say.
func TestMigrationsComeFirst(t *testing.T) {
	t.Parallel()
	job := render(t, variants()["services elsewhere"]).jobs[0]
	require.Equal(t, "pre-install,pre-upgrade", job.Annotations["helm.sh/hook"])
	c := job.Spec.Template.Spec.Containers[0]
	require.Contains(t, c.Env, corev1.EnvVar{Name: "TEMPORAL_ADDRESS", Value: "temporal.example.com:7233"})
	require.Contains(t, c.Env, corev1.EnvVar{Name: "CLEANUP_MAX_RUNS", Value: "2000000"})
	require.Len(t, c.EnvFrom, 1)
	require.Equal(t, "qa-secrets", c.EnvFrom[0].SecretRef.Name)
}

func TestVersionedWorkersArePromoted(t *testing.T) {
	t.Parallel()
	made := render(t, values{"image": values{"tag": "1.4.0"}, "worker": values{"deployment": "qa"}, "keda": values{"enabled": true}})
	env := made.deployments["worker"].Spec.Template.Spec.Containers[0].Env
	require.Contains(t, env, corev1.EnvVar{Name: "WORKER_DEPLOYMENT", Value: "qa"})
	require.Contains(t, env, corev1.EnvVar{Name: "WORKER_BUILD_ID", Value: "1.4.0"})
	require.Len(t, made.jobs, 2)
	require.Equal(t, []string{"workers", "promote", "1.4.0", "--within", "5m"}, made.jobs[1].Spec.Template.Spec.Containers[0].Args)
	require.Equal(t, "1.4.0", made.scaled.Spec.Triggers[0].Metadata["workerDeploymentBuildId"])
	require.Len(t, render(t, nil).jobs, 1)
}

func TestPodsFollowTheSettings(t *testing.T) {
	t.Parallel()
	before, after := render(t, nil), render(t, values{"config": values{"LOG_LEVEL": "debug"}})
	for role, d := range before.deployments {
		require.NotEqual(t, d.Spec.Template.Annotations, after.deployments[role].Spec.Template.Annotations)
	}
}

func TestKEDAScalesWorkersInsteadOfTheDeployment(t *testing.T) {
	t.Parallel()
	plain := render(t, nil)
	require.Nil(t, plain.scaled)
	require.EqualValues(t, 2, *plain.deployments["worker"].Spec.Replicas)

	made := render(t, variants()["keda"])
	require.Nil(t, made.deployments["worker"].Spec.Replicas)
	spec := made.scaled.Spec
	require.Equal(t, made.deployments["worker"].Name, spec.ScaleTargetRef.Name)
	require.Len(t, spec.Triggers, 2)
	for _, trigger := range spec.Triggers {
		require.Subset(t, fieldsOf[trigger.Type], slices.Collect(maps.Keys(trigger.Metadata)), trigger.Type)
	}
	require.Equal(t, "temporal-frontend.temporal.svc:7233", spec.Triggers[0].Metadata["endpoint"])
	require.Equal(t, "true", spec.Triggers[0].Metadata["includeRunningWorkflowCount"])
	require.Equal(t, "2", spec.Triggers[1].Metadata["targetQueryValue"])
	require.EqualValues(t, 300, *spec.Advanced.HorizontalPodAutoscalerConfig.Behavior.ScaleDown.StabilizationWindowSeconds)

	alone := render(t, variants()["keda from zero, without Postgres"])
	require.Len(t, alone.scaled.Spec.Triggers, 1)
	require.Zero(t, *alone.scaled.Spec.MinReplicaCount)
}
