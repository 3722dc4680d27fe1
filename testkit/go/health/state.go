package main

import (
	"context"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// timeLimit is the time that Argo CD gives a script.
const timeLimit = time.Second

// newState returns an interpreter with the libraries that Argo CD opens for a script of argocd-cm: package, base and table,
// and of os only the functions that read the clock. The library string is not among them.
func newState() (*lua.LState, context.CancelFunc) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	open(state, lua.LoadLibName, lua.OpenPackage)
	open(state, lua.BaseLibName, lua.OpenBase)
	open(state, lua.TabLibName, lua.OpenTable)
	state.PreloadModule(lua.OsLibName, loadClock)
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	state.SetContext(ctx)
	return state, func() { state.Close(); cancel() }
}

// open opens a library, and leaves its table on the stack.
func open(state *lua.LState, name string, library lua.LGFunction) {
	state.Push(state.NewFunction(library))
	state.Push(lua.LString(name))
	state.Call(1, 1)
}

// loadClock loads the functions date and time of gopher-lua's own library os.
func loadClock(state *lua.LState) int {
	whole := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer whole.Close()
	open(whole, lua.OsLibName, lua.OpenOs)
	library, clock := whole.CheckTable(-1), state.NewTable()
	for _, name := range []string{"date", "time"} {
		clock.RawSetString(name, library.RawGetString(name))
	}
	state.Push(clock)
	return 1
}

// luaValue returns a part of a decoded JSON document in the form of Lua. That of gopher-json knows no int64, so Argo CD has
// one of its own, too.
func luaValue(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case string:
		return lua.LString(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	case []any:
		list := state.NewTable()
		for _, item := range value {
			list.Append(luaValue(state, item))
		}
		return list
	case map[string]any:
		table := state.NewTable()
		for name, item := range value {
			table.RawSetString(name, luaValue(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}
