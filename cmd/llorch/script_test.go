package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/llorch/llorch/codegen/nvrtc"
	"github.com/llorch/llorch/runtime/metal/emulator"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"llorch":  func() { os.Exit(Main()) },
		"mkmodel": mkmodel,
	})
}

// TestScripts runs what a user types: testdata/script/*.txtar. The condition [shared] holds where the folder shared/ lies
// beside the repository; $SHARED is its path.
func TestScripts(t *testing.T) {
	shared, err := filepath.Abs("../../../shared")
	if err != nil {
		t.Fatal(err)
	}
	_, statErr := os.Stat(filepath.Join(shared, "models"))
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	goVars := goSettings()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SHARED", shared)
			e.Setenv("ROOT", root)
			for _, name := range []string{"LLORCH_NVRTC", "CUDA_HOME", "CUDA_PATH", "LD_LIBRARY_PATH"} {
				e.Setenv(name, os.Getenv(name))
			}
			if cache, err := os.UserCacheDir(); err == nil { // what the emulator has compiled
				e.Setenv("XDG_CACHE_HOME", cache)
			}
			e.Vars = append(append(e.Vars, goVars...), "GOPATH="+filepath.Join(e.WorkDir, "gopath"))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "shared":
				return statErr == nil, nil
			case "nvrtc":
				_, err := nvrtc.Load()
				return err == nil, nil
			case "emulator":
				_, err := emulator.Find()
				return err == nil, nil
			case "device":
				return hasDevice(), nil
			}
			return false, fmt.Errorf("unknown condition %s", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"samejson": sameJSON,
			"damage":   damage,
		},
	})
}

// goSettings are for the go command in a script, which has no home: it uses this one's build cache, and has no modules at all.
func goSettings() []string {
	vars := []string{"GOPROXY=off", "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0"}
	for _, name := range []string{"GOCACHE", "GOTOOLCHAIN"} {
		if out, err := exec.Command("go", "env", name).Output(); err == nil {
			vars = append(vars, name+"="+strings.TrimSpace(string(out)))
		}
	}
	return vars
}

// exits runs a command and demands its exit status: exits 2 llorch run
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want := args[0]
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = err.Error()
		var status int
		if _, scan := fmt.Sscanf(got, "exit status %d", &status); scan == nil {
			got = fmt.Sprint(status)
		}
	}
	if (got == want) == neg {
		ts.Fatalf("%v: exit status %s, want %s", args[1:], got, want)
	}
}

// sameJSON compares a field of two JSON files, or a field with one of an array in a file: samejson a.json ids b.json ids, or
// samejson a.json ids b.json greedy 1 ids. The first file may have other lines before its last.
func sameJSON(ts *testscript.TestScript, neg bool, args []string) {
	a := field(ts, args[0], args[1:2])
	b := field(ts, args[2], args[3:])
	if reflect.DeepEqual(a, b) == neg {
		ts.Fatalf("%v is %v\n%v is %v", args[:2], a, args[2:], b)
	}
}

func field(ts *testscript.TestScript, file string, path []string) any {
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile(file)), &v); err != nil {
		ts.Fatalf("%s: %v", file, err)
	}
	for _, p := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			var i int
			if _, err := fmt.Sscan(p, &i); err != nil || i >= len(x) {
				ts.Fatalf("%s: no element %s", file, p)
			}
			v = x[i]
		}
	}
	if v == nil {
		ts.Fatalf("%s has no %v", file, path)
	}
	return v
}

// damage changes a file: damage truncate FILE N, or damage flip FILE OFFSET.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[1])
	b, err := os.ReadFile(path)
	ts.Check(err)
	var n int
	_, err = fmt.Sscan(args[2], &n)
	ts.Check(err)
	switch args[0] {
	case "truncate":
		b = b[:n]
	case "flip":
		b[n] ^= 0x40
	}
	ts.Check(os.WriteFile(path, b, 0o644))
}
