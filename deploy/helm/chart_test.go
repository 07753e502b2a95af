// Package helm_test renders the chart with the few functions of Helm that it uses, and looks at what comes out.
package helm_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

type object = map[string]any

// render does what `helm template` does, for this chart.
func render(t *testing.T, change func(values object)) []object {
	t.Helper()
	text, err := os.ReadFile("cinnamon/values.yaml")
	require.NoError(t, err)
	var values object
	require.NoError(t, yaml.Unmarshal(text, &values))
	change(values)
	var all *template.Template
	indent := func(n int, s string) string {
		return "\n" + strings.Repeat(" ", n) + strings.ReplaceAll(s, "\n", "\n"+strings.Repeat(" ", n))
	}
	all = template.New("chart").Option("missingkey=error").Funcs(template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var b bytes.Buffer
			err := all.ExecuteTemplate(&b, name, data)
			return b.String(), err
		},
		"nindent": indent,
		"quote":   func(v any) string { return fmt.Sprintf("%q", fmt.Sprint(v)) },
		"list":    func(v ...any) []any { return v },
		"add":     func(a, b int) int { return a + b },
		"toYaml": func(v any) (string, error) {
			text, err := yaml.Marshal(v)
			return strings.TrimSuffix(string(text), "\n"), err
		},
	})
	files, err := filepath.Glob("cinnamon/templates/*")
	require.NoError(t, err)
	all, err = all.ParseFiles(files...)
	require.NoError(t, err)
	var objects []object
	for _, file := range files {
		if strings.HasSuffix(file, ".tpl") {
			continue
		}
		var b bytes.Buffer
		require.NoError(t, all.ExecuteTemplate(&b, filepath.Base(file), object{"Values": values, "Release": object{"Name": "qa", "Revision": 1}}))
		documents := yaml.NewDecoder(&b)
		for {
			var o object
			err := documents.Decode(&o)
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, file)
			if o != nil {
				objects = append(objects, o)
			}
		}
	}
	return objects
}

func at(t *testing.T, o any, path ...string) any {
	t.Helper()
	for _, name := range path {
		if list, ok := o.([]any); ok {
			require.NotEmpty(t, list)
			o = list[0]
		}
		inner, ok := o.(object)
		require.True(t, ok, "%s of %v", name, path)
		o = inner[name]
	}
	return o
}

func TestPodsAreConfinedAndDrain(t *testing.T) {
	t.Parallel()
	kinds := map[string]int{}
	for _, o := range render(t, func(object) {}) {
		kind, _ := o["kind"].(string)
		kinds[kind]++
		if kind != "Deployment" && kind != "Job" {
			continue
		}
		pod := at(t, o, "spec", "template", "spec")
		require.Equal(t, false, at(t, pod, "automountServiceAccountToken"))
		require.Equal(t, true, at(t, pod, "securityContext", "runAsNonRoot"))
		require.Equal(t, true, at(t, pod, "containers", "securityContext", "readOnlyRootFilesystem"))
		require.Equal(t, false, at(t, pod, "containers", "securityContext", "allowPrivilegeEscalation"))
		if kind == "Deployment" {
			require.Equal(t, "/livez", at(t, pod, "containers", "livenessProbe", "httpGet", "path"))
			require.Equal(t, "/readyz", at(t, pod, "containers", "readinessProbe", "httpGet", "path"))
		}
		if at(t, o, "metadata", "name") == "qa-cinnamon-worker" {
			require.Equal(t, 2, at(t, o, "spec", "replicas"))
			require.Equal(t, 150, at(t, pod, "terminationGracePeriodSeconds"))
			require.Contains(t, at(t, pod, "containers", "env"), object{"name": "WORKER_STOP_TIMEOUT", "value": "120s"})
		}
	}
	require.Equal(t, map[string]int{"ConfigMap": 1, "Deployment": 3, "Job": 1, "PodDisruptionBudget": 3, "Service": 1}, kinds)
}

func TestKEDAScalesWorkersInsteadOfTheDeployment(t *testing.T) {
	t.Parallel()
	scaled := false
	for _, o := range render(t, func(values object) {
		values["keda"] = object{"enabled": true, "minReplicas": 1, "maxReplicas": 10, "targetQueueSize": 2, "cooldownSeconds": 300}
	}) {
		switch {
		case o["kind"] == "ScaledObject":
			scaled = true
			require.Equal(t, "temporal", at(t, o, "spec", "triggers", "type"))
			require.Equal(t, "true", at(t, o, "spec", "triggers", "metadata", "includeRunningWorkflowCount"))
		case at(t, o, "metadata", "name") == "qa-cinnamon-worker" && o["kind"] == "Deployment":
			require.Nil(t, at(t, o, "spec", "replicas"))
		}
	}
	require.True(t, scaled)
}
