// Package kubernetes sends the objects of the chart in deploy/helm to an API server of Kubernetes.
// The API server and etcd run in the test. `make kubernetes-api` generates the files that it reads.
package kubernetes

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app/testing"
)

// A server makes requests to an API server. It is not safe for concurrent use.
type server struct {
	client   dynamic.Interface
	mapper   *restmapper.DeferredDiscoveryRESTMapper
	warnings []string // in the response to the latest request
}

// start starts etcd and the API server with its default admission plugins.
func start(t *testing.T) *server {
	t.Helper()
	config := embed.NewConfig()
	config.Dir = t.TempDir()
	config.LogLevel = "error"
	loopback := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	config.ListenClientUrls, config.AdvertiseClientUrls = loopback, loopback
	config.ListenPeerUrls, config.AdvertisePeerUrls = loopback, loopback
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(etcd.Close)
	<-etcd.Server.ReadyNotify()

	storage := storagebackend.NewDefaultConfig("/registry", nil)
	storage.Transport.ServerList = []string{"http://" + etcd.Clients[0].Addr().String()}
	api := apiserver.StartTestServerOrDie(t, nil, nil, storage)
	t.Cleanup(api.TearDownFn)

	s := new(server)
	api.ClientConfig.WarningHandler = s
	if s.client, err = dynamic.NewForConfig(api.ClientConfig); err != nil {
		t.Fatal(err)
	}
	resources, err := discovery.NewDiscoveryClientForConfig(api.ClientConfig)
	if err != nil {
		t.Fatal(err)
	}
	s.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(resources))
	return s
}

// HandleWarningHeader implements rest.WarningHandler.
func (s *server) HandleWarningHeader(_ int, _ string, text string) {
	s.warnings = append(s.warnings, text)
}

// apply applies an object on the server's side, in the namespace monitoring. Unknown fields and
// warnings are errors.
func (s *server) apply(ctx context.Context, object *unstructured.Unstructured,
	dryRun ...string) error {
	kind := object.GroupVersionKind()
	mapping, err := s.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	body, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	var resource dynamic.ResourceInterface = s.client.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		resource = s.client.Resource(mapping.Resource).Namespace("monitoring")
	}
	s.warnings = nil
	_, err = resource.Patch(ctx, object.GetName(), types.ApplyPatchType, body, metav1.PatchOptions{
		FieldManager: "test", FieldValidation: metav1.FieldValidationStrict, DryRun: dryRun})
	if err == nil && len(s.warnings) > 0 {
		err = fmt.Errorf("warnings: %q", s.warnings)
	}
	return err
}

// create applies objects. It waits until the API server serves the resources that they define.
func (s *server) create(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	for _, object := range objects {
		if err := s.apply(t.Context(), object); err != nil {
			t.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
		}
		group, _, _ := unstructured.NestedString(object.Object, "spec", "group")
		kind, defined, _ := unstructured.NestedString(object.Object, "spec", "names", "kind")
		if !defined {
			continue
		}
		err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true,
			func(context.Context) (bool, error) {
				s.mapper.Reset()
				_, err := s.mapper.RESTMapping(schema.GroupKind{Group: group, Kind: kind})
				return err == nil, nil
			})
		if err != nil {
			t.Fatalf("%s is not served: %v", kind, err)
		}
	}
}
