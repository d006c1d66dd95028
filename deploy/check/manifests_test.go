// Package check reads what deploy/ holds for Kubernetes and Grafana into those
// projects' own types, in which a misspelt field is an error. It is a module of its
// own, so that contactsync does not carry those types. `make manifests` runs it.
package check

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func decoder(t *testing.T) runtime.Decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, policyv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}

func TestManifests(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../kubernetes/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	strict, objects := decoder(t), 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
			document, err := documents.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			object, _, err := strict.Decode(document, nil, nil)
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			objects++
			switch o := object.(type) {
			case *appsv1.Deployment:
				confined(t, file, o.Spec.Template.Spec)
				probed(t, file, o.Spec.Template.Spec.Containers[0])
				for name, value := range o.Spec.Selector.MatchLabels {
					if o.Spec.Template.Labels[name] != value {
						t.Errorf("%s: the Deployment does not select its own pods", file)
					}
				}
			case *batchv1.Job:
				confined(t, file, o.Spec.Template.Spec)
			}
		}
	}
	if objects < 4 {
		t.Errorf("%d objects, want a Deployment, a PodDisruptionBudget, a Service and a Job", objects)
	}
}

// confined checks that a pod has no more than docs/security.md says.
func confined(t *testing.T, file string, pod corev1.PodSpec) {
	t.Helper()
	p, c := pod.SecurityContext, pod.Containers[0].SecurityContext
	if p == nil || p.RunAsNonRoot == nil || !*p.RunAsNonRoot || p.SeccompProfile == nil ||
		c == nil || c.ReadOnlyRootFilesystem == nil || !*c.ReadOnlyRootFilesystem ||
		c.AllowPrivilegeEscalation == nil || *c.AllowPrivilegeEscalation ||
		c.Capabilities == nil || len(c.Capabilities.Drop) != 1 || c.Capabilities.Drop[0] != "ALL" ||
		pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Errorf("%s: the pod is not confined: %+v, %+v", file, p, c)
	}
}

// probed checks that the probes ask for what the program serves, at its port.
func probed(t *testing.T, file string, c corev1.Container) {
	t.Helper()
	for path, probe := range map[string]*corev1.Probe{"/readyz": c.ReadinessProbe, "/healthz": c.LivenessProbe} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != c.Ports[0].Name {
			t.Errorf("%s: the probe of %s is %+v", file, path, probe)
		}
	}
}
