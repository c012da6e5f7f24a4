package runtime

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeWeights makes every weight's bytes from its name, and fails at the weight called bad.
type fakeWeights struct {
	bad  string
	last *Tensor
}

func (w *fakeWeights) Data(t *Tensor) ([]byte, error) {
	w.last = t
	if t.Name == w.bad {
		return nil, errors.New("disk on fire")
	}
	return weightBytes(t), nil
}

func (w *fakeWeights) Close() error { return nil }

func weightBytes(t *Tensor) []byte {
	b := make([]byte, t.Bytes)
	for i := range b {
		b[i] = t.Name[i%len(t.Name)] ^ byte(i>>3)
	}
	return b
}

func fakeFiles() map[string][]byte {
	return map[string][]byte{"graph.ir": []byte("graph fake\n"), "kernels/attn.cu": []byte("__global__ void attn() {}\n"), "kernels/sm_90/attn.cubin": {0, 1, 2}}
}

// writeFake writes the fake program's artifact and returns its folder.
func writeFake(t testing.TB) string {
	dir := filepath.Join(t.TempDir(), "model")
	require.NoError(t, WriteArtifact(dir, fakeProgram(), &fakeWeights{}, fakeFiles()))
	return dir
}

// tree is the content of a folder by path.
func tree(t testing.TB, dir string) map[string]string {
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = string(b)
		return err
	}))
	return files
}

func TestArtifactRoundTrip(t *testing.T) {
	p := fakeProgram()
	dir := writeFake(t)
	require.True(t, IsArtifact(dir))
	require.Equal(t, []string{"graph.ir", "kernels/attn.cu", "kernels/attn.kernel", "kernels/sm_90/attn.cubin", "manifest.json", "weights.bin"},
		slices.Sorted(maps.Keys(tree(t, dir))))

	a, err := OpenArtifact(dir, OpenOptions{Target: "cpu", Verify: true})
	require.NoError(t, err)
	weights := tree(t, dir)["weights.bin"]
	require.Len(t, weights, 3<<16)
	offsets := []int64{0, 1 << 16}
	for i := range a.Program.Weights {
		w := &a.Program.Weights[i]
		require.Equal(t, offsets[i], w.Offset)
		sum := sha256.Sum256(weightBytes(w))
		require.Equal(t, hex.EncodeToString(sum[:]), w.SHA256)
		got, err := a.Data(w)
		require.NoError(t, err)
		require.True(t, bytes.Equal(weightBytes(w), got))
		require.Equal(t, len(got), cap(got))
		require.Equal(t, string(got), weights[w.Offset:w.Offset+w.Bytes])
		w.Offset, w.SHA256 = 0, ""
	}
	require.Empty(t, strings.Trim(weights[17*64*4:1<<16], "\x00"), "padding")
	require.Equal(t, p, a.Program)

	got, err := a.File("kernels/attn.cu")
	require.NoError(t, err)
	require.Equal(t, fakeFiles()["kernels/attn.cu"], got)
	_, err = a.File("weights.bin")
	require.EqualError(t, err, dir+": the artifact has no file weights.bin")
	_, err = a.Data(&Tensor{Name: "x", Offset: 1 << 17, Bytes: 1<<16 + 1})
	require.EqualError(t, err, filepath.Join(dir, "weights.bin")+": weight x: 65537 bytes at 131072, the file has 196608")

	require.NoError(t, a.Close())
	require.NoError(t, a.Close())
	_, err = a.Data(&p.Weights[0])
	require.EqualError(t, err, "weight embed: the artifact "+dir+" is closed")
}

// Equal input gives equal bytes, and the caller's program is not changed.
func TestWriteArtifactIsDeterministic(t *testing.T) {
	p := fakeProgram()
	dir := filepath.Join(t.TempDir(), "deep", "model")
	w := &fakeWeights{}
	require.NoError(t, WriteArtifact(dir, p, w, fakeFiles()))
	require.Equal(t, fakeProgram(), p)
	require.Same(t, &p.Weights[1], w.last, "Data gets the caller's own tensors")
	require.Equal(t, tree(t, writeFake(t)), tree(t, dir))
}

func TestWriteArtifactSameKernelName(t *testing.T) {
	p := fakeProgram()
	p.Kernels = append(p.Kernels, Kernel{Name: "attn", Key: "k1", Text: "func attn2() {}\n"})
	dir := filepath.Join(t.TempDir(), "model")
	require.NoError(t, WriteArtifact(dir, p, &fakeWeights{}, nil))
	require.Equal(t, "func attn2() {}\n", tree(t, dir)["kernels/attn.1.kernel"])
}

func TestWriteArtifactReplaces(t *testing.T) {
	if goruntime.GOOS == "windows" {
		t.Skip("a mapped file cannot be moved there")
	}
	dir := writeFake(t)
	a, err := OpenArtifact(dir, OpenOptions{})
	require.NoError(t, err)
	defer a.Close()
	// From its own weights, which are mapped from the file that is replaced.
	p := a.Program
	p.Model = "second"
	require.NoError(t, WriteArtifact(dir, p, a, nil))
	b, err := OpenArtifact(dir, OpenOptions{Verify: true})
	require.NoError(t, err)
	require.Equal(t, "second", b.Program.Model)
	require.NoError(t, b.Close())
	require.NotContains(t, tree(t, dir), "kernels/attn.cu")
	onlyEntry(t, dir)
}

// onlyEntry wants nothing beside dir.
func onlyEntry(t *testing.T, dir string) {
	entries, err := os.ReadDir(filepath.Dir(dir))
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, filepath.Base(dir), entries[0].Name())
}

func TestWriteArtifactThroughLink(t *testing.T) {
	dir := writeFake(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip(err)
	}
	p := fakeProgram()
	p.Model = "second"
	require.NoError(t, WriteArtifact(link, p, &fakeWeights{}, nil))
	a, err := OpenArtifact(dir, OpenOptions{})
	require.NoError(t, err)
	require.Equal(t, "second", a.Program.Model)
	require.NoError(t, a.Close())
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&fs.ModeSymlink)
}

// What is not ours stays as it is.
func TestWriteArtifactRefuses(t *testing.T) {
	for name, x := range map[string]struct {
		make func(t *testing.T, dir string)
		want string
	}{
		"a folder": {func(t *testing.T, dir string) {
			require.NoError(t, os.Mkdir(dir, 0o777))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o666))
		}, "exists and is no artifact of llorch, so it is not replaced: "},
		"a file": {func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(dir, nil, 0o666))
		}, "exists and is no directory"},
		"another manifest": {func(t *testing.T, dir string) {
			require.NoError(t, os.Mkdir(dir, 0o777))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(`{"name": "app"}`), 0o666))
		}, "exists and is no artifact of llorch, so it is not replaced: manifest.json lists no files"},
		"an artifact with a note": {func(t *testing.T, dir string) {
			require.NoError(t, os.Rename(writeFake(t), dir))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "kernels", "note.txt"), nil, 0o666))
		}, "is not replaced: it holds " + filepath.Join("kernels", "note.txt") + ", which its manifest.json does not list"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "model")
			x.make(t, dir)
			var before map[string]string
			if info, _ := os.Stat(dir); info.IsDir() {
				before = tree(t, dir)
			}
			err := WriteArtifact(dir, fakeProgram(), &fakeWeights{}, nil)
			require.ErrorContains(t, err, x.want)
			require.ErrorContains(t, err, dir)
			if before != nil {
				require.Equal(t, before, tree(t, dir))
			}
			onlyEntry(t, dir)
		})
	}
	dir := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.Mkdir(dir, 0o777))
	require.NoError(t, WriteArtifact(dir, fakeProgram(), &fakeWeights{}, nil), "an empty folder is nobody's")
	onlyEntry(t, dir)
}

func TestWriteArtifactErrors(t *testing.T) {
	for name, x := range map[string]struct {
		edit  func(p *Program)
		w     fakeWeights
		files map[string][]byte
		want  string
	}{
		"weights fail": {w: fakeWeights{bad: "out"}, want: "weight out: disk on fire"},
		"no name":      {edit: func(p *Program) { p.Weights[1].Name = "" }, want: "weight 1: it has no name"},
		"program":      {edit: func(p *Program) { p.Chunk = 33 }, want: "chunk 33: want 1 to 32"},
		"escape":       {files: map[string][]byte{"../x": nil}, want: `file "../x": not a path that a file of the artifact can have`},
		"manifest":     {files: map[string][]byte{"manifest.json": nil}, want: `file "manifest.json": not a path that a file of the artifact can have`},
		"kernel name":  {edit: func(p *Program) { p.Kernels[0].Name = "../../x" }, want: `kernel 0: the name "../../x" makes no file name`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "model")
			p := fakeProgram()
			if x.edit != nil {
				x.edit(p)
			}
			err := WriteArtifact(dir, p, &x.w, x.files)
			require.EqualError(t, err, "write "+dir+": "+x.want)
			left, err := os.ReadDir(filepath.Dir(dir))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

type shortWeights struct{ fakeWeights }

func (w *shortWeights) Data(t *Tensor) ([]byte, error) { return make([]byte, 3), nil }

func TestWriteArtifactShortData(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "model")
	err := WriteArtifact(dir, fakeProgram(), &shortWeights{}, nil)
	require.EqualError(t, err, "write "+dir+": weight embed: 3 bytes of data, want 4352")
}

// stuckWeights tells that the first weight is being written, and waits to be killed.
type stuckWeights struct{ fakeWeights }

func (w *stuckWeights) Data(t *Tensor) ([]byte, error) {
	if t.Name == "embed" {
		return weightBytes(t), nil
	}
	fmt.Println("half")
	select {}
}

// A process that is killed while it writes leaves nothing under the artifact's name, or the artifact that was there.
func TestWriteArtifactKilled(t *testing.T) {
	const env = "LLORCH_TEST_KILLED_WRITE"
	if dir := os.Getenv(env); dir != "" {
		t.Fatal(WriteArtifact(dir, fakeProgram(), &stuckWeights{}, nil))
	}
	killed := func(dir string) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestWriteArtifactKilled$")
		cmd.Env = append(os.Environ(), env+"="+dir)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		line, err := bufio.NewReader(out).ReadString('\n')
		require.NoError(t, cmd.Process.Kill())
		require.NoError(t, err)
		require.Equal(t, "half\n", line)
		require.Error(t, cmd.Wait())
	}
	dir := filepath.Join(t.TempDir(), "model")
	killed(dir)
	require.NoDirExists(t, dir)
	left, err := os.ReadDir(filepath.Dir(dir))
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Contains(t, left[0].Name(), "model.partial-")
	require.False(t, IsArtifact(filepath.Join(filepath.Dir(dir), left[0].Name())))

	require.NoError(t, WriteArtifact(dir, fakeProgram(), &fakeWeights{}, nil))
	killed(dir)
	a, err := OpenArtifact(dir, OpenOptions{Verify: true})
	require.NoError(t, err)
	require.NoError(t, a.Close())
}

func TestMemory(t *testing.T) {
	m := fakeProgram().Memory()
	require.Equal(t, Memory{Weights: 17*64*4 + 600*64*2, KV: 2 * 32 * 8 * 4, Arena: 1024}, m)
	require.EqualValues(t, 17*64*4+600*64*2+2*32*8*4+1024, m.Total())
}

// resum makes an edited manifest's sum right again.
func resum(b []byte) []byte {
	rest, ok := bytes.CutPrefix(b, []byte(sumPrefix))
	if !ok || len(rest) < sumDigits {
		return b
	}
	sum := sha256.Sum256(slices.Concat([]byte(sumPrefix), rest[sumDigits:]))
	return fmt.Appendf(nil, "%s%x%s", sumPrefix, sum, rest[sumDigits:])
}

// editManifest changes the manifest of an artifact, as a person with an editor and sha256sum could.
func editManifest(t testing.TB, dir string, edit func(m *manifest)) {
	path := filepath.Join(dir, manifestName)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	var m manifest
	require.NoError(t, json.Unmarshal(b, &m))
	edit(&m)
	b, err = m.encode()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, b, 0o666))
}
