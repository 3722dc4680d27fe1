package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// kustomization is the part of a Kustomization of Flux that is read. The API server checks the rest of it in another test.
type kustomization struct {
	Spec struct {
		HealthCheckExprs []kustomize.CustomHealthCheck `json:"healthCheckExprs"`
	} `json:"spec"`
}

// expressions are healthCheckExprs by the kind that they are for. Like Flux, they ignore the version.
type expressions map[schema.GroupKind]*cel.StatusEvaluator

// readExpressions reads the healthCheckExprs of all Kustomizations in a file.
func readExpressions(file string) (expressions, error) {
	text, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer text.Close()
	found := expressions{}
	documents := yaml.NewYAMLOrJSONDecoder(text, 4096)
	for {
		var kustomization kustomization
		if err := documents.Decode(&kustomization); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, check := range kustomization.Spec.HealthCheckExprs {
			evaluator, err := cel.NewStatusEvaluator(&check.HealthCheckExpressions)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", file, check.Kind, err)
			}
			found[schema.FromAPIVersionAndKind(check.APIVersion, check.Kind).GroupKind()] = evaluator
		}
	}
}

// evaluate returns the verdict of the expressions of an object's kind. For a kind without expressions Flux uses kstatus.
func (e expressions) evaluate(ctx context.Context, object *unstructured.Unstructured) (*status.Result, error) {
	evaluator, ok := e[object.GroupVersionKind().GroupKind()]
	if !ok {
		return status.Compute(object)
	}
	return evaluator.Evaluate(ctx, object)
}
