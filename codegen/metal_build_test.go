package codegen_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/codegen"
)

// TestBuildMetal: where Apple's compiler is, there is a library; where it is not, none and no error; what it complains of is told.
func TestBuildMetal(t *testing.T) {
	tools := t.TempDir()
	t.Setenv("PATH", tools)
	src := map[string][]byte{codegen.MetalSource: []byte("kernel void f() {}\n")}
	files, err := codegen.BuildMetal(src, nil)
	require.NoError(t, err)
	require.Empty(t, files)
	script := func(text string) {
		require.NoError(t, os.WriteFile(filepath.Join(tools, "xcrun"), []byte("#!/bin/sh\n"+text), 0o755))
	}
	script(`[ "$3" = -find ] && exit 0
while [ $# -gt 2 ]; do
	case $1 in -std=*) std=$1 ;; -c) read -r text <"$2" ;; *.air) read -r text <"$1" ;; esac
	shift
done
echo "$std $text" >"$2"
`)
	files, err = codegen.BuildMetal(src, []string{"3.2"})
	require.NoError(t, err)
	require.Equal(t, " -std=metal3.2 kernel void f() {}\n", string(files[codegen.MetalLibrary]))
	files, err = codegen.BuildMetal(src, nil)
	require.NoError(t, err)
	require.Equal(t, " -std=metal3.1 kernel void f() {}\n", string(files[codegen.MetalLibrary]))
	script("[ \"$3\" = -find ] && exit 0\necho 'kernels.metal:1: no such thing' >&2\nexit 1\n")
	_, err = codegen.BuildMetal(src, nil)
	require.EqualError(t, err, "kernels for Metal 3.1: xcrun metal: exit status 1\nkernels.metal:1: no such thing")
	script("exit 72\n") // the command line tools alone
	files, err = codegen.BuildMetal(src, nil)
	require.NoError(t, err)
	require.Empty(t, files)
	_, err = codegen.BuildMetal(src, []string{"2.4"})
	require.EqualError(t, err, `unknown version of Metal "2.4": want 3.1 or 3.2`)
	_, err = codegen.BuildMetal(src, []string{"3.1", "3.2"})
	require.EqualError(t, err, "a Metal library is of one version of the language, not 3.1 and 3.2")
}
