// Package helm tests the chart in deploy/helm. Its module pins the version of Helm. `make chart`
// builds the programs that the tests run.
package helm

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// decode decodes YAML documents into the types of Kubernetes and of the Prometheus Operator.
// Unknown and repeated fields are errors.
func decode(documents []byte) ([]runtime.Object, error) {
	types := runtime.NewScheme()
	err := errors.Join(scheme.AddToScheme(types),
		monitoringv1.AddToScheme(types), v1alpha1.AddToScheme(types))
	if err != nil {
		return nil, err
	}
	decoder := serializer.NewCodecFactory(types, serializer.EnableStrict).UniversalDeserializer()
	var objects []runtime.Object
	for reader := yamlutil.NewYAMLReader(bufio.NewReader(bytes.NewReader(documents))); ; {
		text, err := reader.Read()
		if err == io.EOF {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		var content any
		if err := yaml.Unmarshal(text, &content); err == nil && content == nil {
			continue // the document has only comments
		}
		object, _, err := decoder.Decode(text, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%w in:\n%s", err, text)
		}
		objects = append(objects, object)
	}
}

// templatesOf returns the pod templates in the objects. Their volumes include those of a
// StatefulSet's volume claim templates.
func templatesOf(objects []runtime.Object) []corev1.PodTemplateSpec {
	var pods []corev1.PodTemplateSpec
	for _, object := range objects {
		switch o := object.(type) {
		case *appsv1.StatefulSet:
			pod := *o.Spec.Template.DeepCopy()
			for _, claim := range o.Spec.VolumeClaimTemplates {
				volume := corev1.Volume{Name: claim.Name}
				volume.PersistentVolumeClaim = new(corev1.PersistentVolumeClaimVolumeSource)
				pod.Spec.Volumes = append(pod.Spec.Volumes, volume)
			}
			pods = append(pods, pod)
		case *batchv1.Job:
			pods = append(pods, o.Spec.Template)
		}
	}
	return pods
}

// checkRestricted checks a pod against the Pod Security Standard "restricted".
func checkRestricted(pod corev1.PodTemplateSpec) error {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return err
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := policy.AggregateCheckResults(
		evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec))
	if !result.Allowed {
		return fmt.Errorf("%s: %s", result.ForbiddenReason(), result.ForbiddenDetail())
	}
	return nil
}

// check checks the pod templates in the objects, and all references to them.
func check(objects []runtime.Object) error {
	pods := templatesOf(objects)
	if len(pods) == 0 {
		return errors.New("no object has a pod template")
	}
	var errs []error
	for _, pod := range pods {
		errs = append(errs, checkRestricted(pod), checkContainers(pod))
	}
	for _, object := range objects {
		if err := checkReferences(object, pods); err != nil {
			errs = append(errs, fmt.Errorf("%T: %w", object, err))
		}
	}
	return errors.Join(errs...)
}
