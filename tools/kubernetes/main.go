// Kubernetes reads manifests, as `kustomize build` writes them, on standard input, and further ones from files. It ends with
// code 1 and a line for each thing in them that is not as this project wants it: they are decoded as Kubernetes decodes
// them, strictly; what they say of each other, of the image and of Prometheus's jobs must be so; the pods must be as the
// restricted Pod Security Standard demands. The container's command line is then given to the exporter, with
// --config.check and the files that the pod would have.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func main() {
	if err := run(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(built io.Reader) error {
	dockerfile := flag.String("dockerfile", "Dockerfile", "what the image is made of")
	readme := flag.String("readme", "", "what tells people how to use the manifests")
	jobs := flag.String("scrape", "", "Prometheus's configuration")
	exporter := flag.String("exporter", "", "the program in the image")
	stage := flag.String("stage", "", "a directory for the files that it would have")
	flag.Parse()
	m := new(manifests)
	if err := m.add(built); err != nil {
		return err
	}
	further := new(manifests)
	for _, path := range flag.Args() {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		err = further.add(file)
		file.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if len(m.sets) != 1 || len(m.sets[0].Spec.Template.Spec.Containers) != 1 {
		return errors.New("there must be one StatefulSet with one container")
	}
	image, err := readImage(*dockerfile)
	if err != nil {
		return err
	}
	scrape, err := readScrape(*jobs)
	if err != nil {
		return err
	}
	manual, err := os.ReadFile(*readme)
	if err != nil {
		return err
	}
	errs := append(m.check(image, string(manual)), m.checkScrape(scrape)...)
	errs = append(errs, further.checkPods(m.sets[0])...)
	if len(errs) == 0 {
		errs = append(errs, m.start(*exporter, *stage))
	}
	return errors.Join(errs...)
}

// manifests are objects of the kinds that there are here.
type manifests struct {
	sets     []*appsv1.StatefulSet
	services []*corev1.Service
	configs  []*corev1.ConfigMap
	policies []*networkingv1.NetworkPolicy
	budgets  []*policyv1.PodDisruptionBudget
	pods     []*corev1.Pod
}

// add decodes documents, as the API server does where it is asked to be strict: a key that is not known, or is there twice,
// is an error.
func (m *manifests) add(text io.Reader) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewYAMLReader(bufio.NewReader(text))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		object, kind, err := decoder.Decode(document, nil, nil)
		if err != nil {
			return err
		}
		switch o := object.(type) {
		case *appsv1.StatefulSet:
			m.sets = append(m.sets, o)
		case *corev1.Service:
			m.services = append(m.services, o)
		case *corev1.ConfigMap:
			m.configs = append(m.configs, o)
		case *networkingv1.NetworkPolicy:
			m.policies = append(m.policies, o)
		case *policyv1.PodDisruptionBudget:
			m.budgets = append(m.budgets, o)
		case *corev1.Pod:
			m.pods = append(m.pods, o)
		default:
			return fmt.Errorf("nothing here knows what to make of a %s", kind.Kind)
		}
	}
}

// start has the exporter read its command line, and the configuration that it names, with a file for each token.
func (m *manifests) start(program, stage string) error {
	pod := m.sets[0].Spec.Template.Spec
	var paths []string // what is at a path in the container is in stage here
	for _, mount := range pod.Containers[0].VolumeMounts {
		here := filepath.Join(stage, mount.MountPath)
		if err := os.MkdirAll(here, 0o755); err != nil {
			return err
		}
		paths = append(paths, "="+mount.MountPath, "="+here)
		for _, config := range m.configs {
			for name, text := range config.Data {
				if !mounts(pod, mount.Name, config.Name) {
					continue
				}
				if err := os.WriteFile(filepath.Join(here, name), []byte(text), 0o644); err != nil {
					return err
				}
				for _, token := range tokenFile.FindAllStringSubmatch(text, -1) {
					if err := os.WriteFile(filepath.Join(here, token[1]), []byte("not-a-real-token"), 0o600); err != nil {
						return err
					}
				}
			}
		}
	}
	args := []string{"--config.check"}
	for _, arg := range pod.Containers[0].Args {
		args = append(args, strings.NewReplacer(paths...).Replace(arg))
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, out)
	}
	return nil
}

// tokenFile is a file of the Secret, beside the configuration.
var tokenFile = regexp.MustCompile(`(?m)^[ -]*token_file: ([^/\s]+)$`)
