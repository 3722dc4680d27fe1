package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	luajson "layeh.com/gopher-json"
)

// statuses are those that Argo CD accepts from a script.
var statuses = map[string]bool{
	"Healthy": true, "Progressing": true, "Degraded": true, "Suspended": true, "Missing": true, "Unknown": true,
}

// customization is the folder of resource customizations, in the layout of Argo CD, for one object.
type customization struct {
	folder string
	object *unstructured.Unstructured
}

// action is an action on an object: whether Argo CD offers it, and the object that it returns.
type action struct {
	Disabled bool           `json:"disabled"`
	Object   map[string]any `json:"object,omitempty"`
}

// health returns the result of health.lua.
func (c customization) health() (*verdict, error) {
	var result verdict
	if err := c.run("health.lua", &result); err != nil {
		return nil, err
	}
	if !statuses[result.Status] {
		return nil, fmt.Errorf("Argo CD does not know the status %q", result.Status)
	}
	return &result, nil
}

// actions returns the actions that discovery.lua names, with the object that each of them returns. A kind without that
// script has none.
func (c customization) actions() (map[string]action, error) {
	found := map[string]action{}
	if _, err := os.Stat(c.path("actions/discovery.lua")); os.IsNotExist(err) {
		return found, nil
	}
	if err := c.run("actions/discovery.lua", &found); err != nil {
		return nil, err
	}
	for name, offered := range found {
		if err := c.run(filepath.Join("actions", name, "action.lua"), &offered.Object); err != nil {
			return nil, err
		}
		restoreEmptyObjects(offered.Object, c.object.Object)
		found[name] = offered
	}
	return found, nil
}

func (c customization) path(script string) string {
	kind := c.object.GroupVersionKind()
	return filepath.Join(c.folder, kind.Group, kind.Kind, script)
}

// run runs a script and decodes the table that it returns.
func (c customization) run(script string, into any) error {
	text, err := os.ReadFile(c.path(script))
	if err != nil {
		return err
	}
	state, cancel := newState()
	defer cancel()
	state.SetGlobal("obj", luaValue(state, c.object.Object))
	if err := state.DoString(string(text)); err != nil {
		return fmt.Errorf("%s: %w", script, err)
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return fmt.Errorf("%s returns no table", script)
	}
	encoded, err := luajson.Encode(table)
	if err != nil {
		return fmt.Errorf("%s: %w", script, err)
	}
	return json.Unmarshal(encoded, into)
}

// restoreEmptyObjects undoes an effect of Lua, as Argo CD does: an empty table is encoded as an empty list.
func restoreEmptyObjects(returned, original map[string]any) {
	for name, value := range original {
		before, ok := value.(map[string]any)
		if !ok {
			continue
		}
		switch after := returned[name].(type) {
		case map[string]any:
			restoreEmptyObjects(after, before)
		case []any:
			if len(after) == 0 {
				returned[name] = map[string]any{}
			}
		}
	}
}
