package emulator

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// machine is a linux/amd64 with programs, each a shell script, and an environment.
func machine(t *testing.T, programs, env map[string]string) system {
	dir := t.TempDir()
	for name, script := range programs {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755))
	}
	return system{
		goos: "linux", goarch: "amd64",
		env: func(name string) string { return env[name] },
		look: func(program string) (string, error) {
			file := filepath.Join(dir, program)
			if _, err := os.Stat(file); err != nil {
				return "", exec.ErrNotFound
			}
			return file, nil
		},
	}
}

// says is a clang of a version with a runtime library.
func says(version string) string {
	return `case "$1" in --version) echo "Debian clang version ` + version + `";; *) echo "$0";; esac`
}

func TestFind(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no /bin/sh")
	}
	for _, c := range []struct {
		name          string
		programs, env map[string]string
		found, fault  string
	}{
		{name: "nothing", fault: "no clang-19 or clang in PATH: apt-get install clang-19 libclang-rt-19-dev"},
		{name: "clang-19", programs: map[string]string{"clang-19": says("19.1.7"), "clang": says("21.0.0")}, found: "clang-19"},
		{name: "a newer clang", programs: map[string]string{"clang": says("21.0.0")}, found: "clang"},
		{name: "an older clang", programs: map[string]string{"clang": says("14.0.6")}, fault: "is of version 14"},
		{name: "no clang at all", programs: map[string]string{"clang": "echo gcc 12"}, fault: "is not clang"},
		{name: "one that fails", programs: map[string]string{"clang-19": "exit 3"}, fault: "exit status 3"},
		{
			name:     "no runtime library",
			programs: map[string]string{"clang-19": `case "$1" in --version) echo "clang version 19.1.7";; *) echo /nowhere/rt.a;; esac`},
			fault:    "has no runtime library",
		},
		{
			name: "the one that is named", programs: map[string]string{"clang-19": says("19.1.7"), "mine": says("20.1.0")},
			env: map[string]string{"LLORCH_CLANG": "mine"}, found: "mine",
		},
		{
			name: "the one that is named, and no other", programs: map[string]string{"clang-19": says("19.1.7")},
			env: map[string]string{"LLORCH_CLANG": "mine"}, fault: "LLORCH_CLANG=mine",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := machine(t, c.programs, c.env).find()
			if c.fault != "" {
				require.ErrorIs(t, err, ErrNotFound)
				require.ErrorContains(t, err, c.fault)
				require.ErrorContains(t, err, "apt-get install clang-19 libclang-rt-19-dev")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.found, filepath.Base(found.path))
		})
	}
}

func TestFindElsewhere(t *testing.T) {
	_, err := system{goos: "darwin", goarch: "arm64"}.find()
	require.ErrorContains(t, err, "linux/amd64 only, and this is darwin/arm64")
	require.False(t, errors.Is(err, ErrNotFound), "installing clang would not help")
}
