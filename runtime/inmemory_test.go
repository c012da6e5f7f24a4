package runtime

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// TestArtifactInMemory: the two files that WriteData makes are the artifact of OpenArtifact, wherever the bytes lie.
func TestArtifactInMemory(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, WriteData(dir, fakeProgram(), &fakeWeights{}))
	files := tree(t, dir)
	require.Equal(t, []string{ManifestFile, WeightsFile}, slices.Sorted(maps.Keys(files)))
	want, err := OpenArtifact(dir, OpenOptions{Target: "cpu", Verify: true})
	require.NoError(t, err)
	defer want.Close()

	room := make([]byte, len(files[WeightsFile])+weightAlign)
	for shift := range weightAlign {
		weights := room[shift:][:len(files[WeightsFile])]
		copy(weights, files[WeightsFile])
		a, err := NewArtifact([]byte(files[ManifestFile]), weights, "cpu")
		require.NoError(t, err)
		require.Equal(t, want.Program, a.Program)
		for i := range a.Program.Weights {
			w := &a.Program.Weights[i]
			got, err := a.Data(w)
			require.NoError(t, err)
			require.True(t, bytes.Equal(weightBytes(w), got))
			require.Zero(t, uintptr(unsafe.Pointer(&got[0]))%weightAlign)
		}
		copied := unsafe.SliceData(a.weights) != unsafe.SliceData(weights)
		require.Equal(t, uintptr(unsafe.Pointer(&weights[0]))%weightAlign != 0, copied)
		_, err = a.File("graph.ir")
		require.Error(t, err)
		require.NoError(t, a.Close())
		_, err = a.Data(&a.Program.Weights[0])
		require.ErrorContains(t, err, "closed")
	}
}

func TestArtifactInMemoryRefuses(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, WriteData(dir, fakeProgram(), &fakeWeights{}))
	files := tree(t, dir)
	manifest, weights := files[ManifestFile], []byte(files[WeightsFile])
	for _, c := range []struct {
		name, manifest, target, want string
		weights                      []byte
	}{
		{"edited", manifest[:400] + "9" + manifest[401:], "cpu", "manifest.json: ", weights},
		{"cut manifest", manifest[:400], "cpu", "manifest.json: ", weights},
		{"empty", "", "cpu", "manifest.json: the file is empty", weights},
		{"target", manifest, "go", "manifest.json: compiled for target cpu, want go: compile the model for go", weights},
		{"cut weights", manifest, "cpu", "weights.bin: 65536 bytes, the manifest says 196608: it was cut off", weights[:1<<16]},
		{"no weights", manifest, "cpu", "weights.bin: 0 bytes, the manifest says 196608: it was cut off", nil},
	} {
		_, err := NewArtifact([]byte(c.manifest), c.weights, c.target)
		require.ErrorContains(t, err, c.want, c.name)
	}
}

// TestWriteDataFails: the caller's own directory stays, and a failed write says which weight.
func TestWriteDataFails(t *testing.T) {
	err := WriteData(t.TempDir(), fakeProgram(), &fakeWeights{bad: fakeProgram().Weights[1].Name})
	require.ErrorContains(t, err, "disk on fire")
	dir := t.TempDir()
	require.NoError(t, WriteData(dir, fakeProgram(), &fakeWeights{}))
	require.Error(t, WriteData(dir, fakeProgram(), &fakeWeights{}), "the files exist")
}
