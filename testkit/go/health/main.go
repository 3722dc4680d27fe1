// Command health reads objects (JSON, one after the other) and prints for each one (JSON, one a line) the verdict on its
// health of each tool: kstatus, Argo CD and Flux. See README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// verdict is what a tool says of an object.
type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
}

// verdicts are what all tools say of an object.
type verdicts struct {
	Kstatus verdict           `json:"kstatus"`
	ArgoCD  verdict           `json:"argocd"`
	Flux    verdict           `json:"flux"`
	Actions map[string]action `json:"actions"`
}

func main() {
	scripts := flag.String("argocd", "", "folder of Argo CD's resource customizations")
	kustomizations := flag.String("flux", "", "file with Kustomizations of Flux, which have healthCheckExprs")
	flag.Parse()
	if err := run(*scripts, *kustomizations, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "health:", err)
		os.Exit(1)
	}
}

func run(scripts, kustomizations string, in io.Reader, out io.Writer) error {
	flux, err := readExpressions(kustomizations)
	if err != nil {
		return err
	}
	objects, lines := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var document json.RawMessage
		if err := objects.Decode(&document); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading an object: %w", err)
		}
		// This decoder reads a whole number as int64, as the clients of the three tools do.
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(document); err != nil {
			return fmt.Errorf("reading an object: %w", err)
		}
		found, err := assess(object, customization{folder: scripts, object: object}, flux)
		if err != nil {
			return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
		if err := lines.Encode(found); err != nil {
			return err
		}
	}
}

func assess(object *unstructured.Unstructured, argocd customization, flux expressions) (*verdicts, error) {
	generic, err := status.Compute(object)
	if err != nil {
		return nil, fmt.Errorf("kstatus: %w", err)
	}
	health, err := argocd.health()
	if err != nil {
		return nil, fmt.Errorf("health.lua: %w", err)
	}
	actions, err := argocd.actions()
	if err != nil {
		return nil, fmt.Errorf("actions: %w", err)
	}
	expressed, err := flux.evaluate(context.Background(), object)
	if err != nil {
		return nil, fmt.Errorf("healthCheckExprs: %w", err)
	}
	return &verdicts{
		Kstatus: verdict{generic.Status.String(), generic.Message},
		ArgoCD:  *health,
		Flux:    verdict{expressed.Status.String(), expressed.Message},
		Actions: actions,
	}, nil
}
