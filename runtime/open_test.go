package runtime

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Damage to the files. DIR stands for the artifact's folder in the wanted messages.
func TestOpenArtifactDamaged(t *testing.T) {
	cut := func(name string, by int64) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.NoError(t, os.Truncate(path, info.Size()-by))
		}
	}
	replace := func(name, old, new string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Contains(t, string(b), old)
			require.NoError(t, os.WriteFile(path, bytes.Replace(b, []byte(old), []byte(new), 1), 0o666))
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, name))) }
	}
	swap := func(x, y string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			x, y, tmp := filepath.Join(dir, x), filepath.Join(dir, y), filepath.Join(dir, "tmp")
			require.NoError(t, os.Rename(x, tmp))
			require.NoError(t, os.Rename(y, x))
			require.NoError(t, os.Rename(tmp, y))
		}
	}
	flip := func(name string, at int64) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR, 0)
			require.NoError(t, err)
			b := []byte{0}
			_, err = f.ReadAt(b, at)
			require.NoError(t, err)
			b[0] ^= 1
			_, err = f.WriteAt(b, at)
			require.NoError(t, err)
			require.NoError(t, f.Close())
		}
	}
	for name, x := range map[string]struct {
		damage func(*testing.T, string)
		verify string // the error is found by Verify alone, which says this
		want   string // or without it
	}{
		"no manifest":          {damage: remove("manifest.json"), want: "DIR/manifest.json: no such file"},
		"no weights":           {damage: remove("weights.bin"), want: "DIR/weights.bin: no such file"},
		"no kernel":            {damage: remove("kernels/attn.cu"), want: "DIR/kernels/attn.cu: no such file"},
		"no graph":             {damage: remove("graph.ir"), want: "DIR/graph.ir: no such file"},
		"manifest cut":         {damage: cut("manifest.json", 40), want: "DIR/manifest.json: line "},
		"manifest empty":       {damage: func(t *testing.T, dir string) { require.NoError(t, os.Truncate(filepath.Join(dir, manifestName), 0)) }, want: "DIR/manifest.json: the file is empty"},
		"manifest's last byte": {damage: cut("manifest.json", 1), want: "it was edited"},
		"weights cut":          {damage: cut("weights.bin", 1), want: "DIR/weights.bin: 196607 bytes, the manifest says 196608: it was cut off"},
		"weights grown":        {damage: cut("weights.bin", -1), want: "DIR/weights.bin: 196609 bytes, the manifest says 196608: it was changed"},
		"kernel cut":           {damage: cut("kernels/attn.kernel", 1), want: "DIR/kernels/attn.kernel: 14 bytes, the manifest says 15: it was cut off"},
		"swapped":              {damage: swap("graph.ir", "kernels/attn.cu"), want: "DIR/graph.ir: 26 bytes, the manifest says 11: it was changed"},
		"weights are a folder": {damage: func(t *testing.T, dir string) {
			remove("weights.bin")(t, dir)
			require.NoError(t, os.Mkdir(filepath.Join(dir, "weights.bin"), 0o777))
		}, want: "DIR/weights.bin: not a regular file"},
		"manifest is a folder": {damage: func(t *testing.T, dir string) {
			remove("manifest.json")(t, dir)
			require.NoError(t, os.Mkdir(filepath.Join(dir, "manifest.json"), 0o777))
		}, want: "DIR/manifest.json: not a regular file"},
		"manifest edited":      {damage: replace("manifest.json", `"context": 32`, `"context": 64`), want: "DIR/manifest.json: sum "},
		"manifest's sum":       {damage: flip("manifest.json", int64(len(sumPrefix))), want: "DIR/manifest.json: "},
		"manifest without sum": {damage: replace("manifest.json", `"sum"`, `"mus"`), want: `DIR/manifest.json: does not begin with its sum, 64 hexadecimal digits in the field "sum": it was edited`},
		"manifest type":        {damage: replace("manifest.json", `"format": 1`, `"format": "1"`), want: "DIR/manifest.json: line 3, byte "},
		"another format": {damage: replace("manifest.json", `"format": 1`, `"format": 2`),
			want: `DIR/manifest.json: format 2, made by llorch "v0.1"; this llorch reads format 1: compile the model again, or use the llorch that made it`},
		"weight edited": {damage: flip("weights.bin", 1<<16+5), verify: "DIR/weights.bin: weight out, 76800 bytes at 65536: sha256 "},
		"padding":       {damage: flip("weights.bin", 1<<16-1), verify: "DIR/weights.bin: sha256 "},
		"kernel edited": {damage: flip("kernels/attn.cu", 3), verify: "DIR/kernels/attn.cu: sha256 "},
		"graph edited":  {damage: flip("graph.ir", 3), verify: "DIR/graph.ir: sha256 "},
	} {
		t.Run(name, func(t *testing.T) {
			dir := writeFake(t)
			x.damage(t, dir)
			for _, verify := range []bool{false, true} {
				want := x.want
				if verify && want == "" {
					want = x.verify
				}
				a, err := OpenArtifact(dir, OpenOptions{Verify: verify})
				if want == "" {
					require.NoError(t, err)
					require.NoError(t, a.Close())
					continue
				}
				require.Error(t, err)
				require.Contains(t, filepath.ToSlash(err.Error()), strings.ReplaceAll(want, "DIR", filepath.ToSlash(dir)))
				require.NotContains(t, err.Error(), "\n")
			}
		})
	}
}

func TestOpenArtifactTarget(t *testing.T) {
	dir := writeFake(t)
	_, err := OpenArtifact(dir, OpenOptions{Target: "metal"})
	require.EqualError(t, err, filepath.Join(dir, manifestName)+": compiled for target cpu, want metal: compile the model for metal")
}

func TestArtifactFileChanged(t *testing.T) {
	dir := writeFake(t)
	a, err := OpenArtifact(dir, OpenOptions{})
	require.NoError(t, err)
	defer a.Close()
	path := filepath.Join(dir, "graph.ir")
	require.NoError(t, os.WriteFile(path, []byte("graph evil\n"), 0o666))
	_, err = a.File("graph.ir")
	require.ErrorContains(t, err, path+": sha256 ")
	require.NoError(t, os.WriteFile(path, nil, 0o666))
	_, err = a.File("graph.ir")
	require.EqualError(t, err, path+": 0 bytes, the manifest says 11: it was cut off")
}

func TestIsArtifact(t *testing.T) {
	require.False(t, IsArtifact(t.TempDir()))
	require.False(t, IsArtifact(filepath.Join(t.TempDir(), "absent")))
	dir := writeFake(t)
	require.False(t, IsArtifact(filepath.Join(dir, "graph.ir")))
	require.NoError(t, os.Truncate(filepath.Join(dir, manifestName), 10))
	require.True(t, IsArtifact(dir), "so that opening it can say what is wrong")
}

// A manifest that was edited and summed again.
func TestOpenArtifactImplausible(t *testing.T) {
	for _, x := range []struct {
		want string
		edit func(m *manifest)
	}{
		{"context 0: want 1 to 16777216", func(m *manifest) { m.Context = 0 }},
		{"context 1073741824: want 1 to 16777216", func(m *manifest) { m.Context = 1 << 30 }},
		{"vocab -1: want 1 to 16777216", func(m *manifest) { m.Vocab = -1 }},
		{"chunk 33: want 1 to 32", func(m *manifest) { m.Chunk = 33 }},
		{"1 symbols: want 2 to 8, first the new tokens and the past ones", func(m *manifest) { m.Symbols = m.Symbols[:1] }},

		{"state cache.k: context axis has 32 tokens, the context 64", func(m *manifest) { m.Context = 64 }},
		{"state cache.k: 2049 bytes, f32[2 32 8] takes 2048", func(m *manifest) { m.States[0].Bytes++ }},
		{"state cache.k: 2048 bytes, f32[2 32 8000000] takes 2048000000", func(m *manifest) { m.States[0].Shape[2] = 8e6 }},
		{"state cache.k: f32[2 32 9223372036854775807]: more than 4611686018427387904 bytes", func(m *manifest) { m.States[0].Shape[2] = 1<<63 - 1 }},
		{"state cache.k: f32[2 32 -8]: a dimension of -8", func(m *manifest) { m.States[0].Shape[2] = -8 }},
		{"state cache.k: f32 without a shape", func(m *manifest) { m.States[0].Shape = nil }},
		{"state cache.k: context axis 3 of 3 axes", func(m *manifest) { m.States[0].Ctx = 3 }},
		{"state cache.k: 8796093022208 bytes with the states before it, at most 4398046511104", func(m *manifest) {
			m.States[0].Shape[2], m.States[0].Bytes = 1<<35, 1<<43
		}},
		{`state cache.k: dtype "f3" is unknown`, func(m *manifest) { m.States[0].DType = "f3" }},

		{`weights 0 and 1 are both named "embed"`, func(m *manifest) { m.Weights[1].Name = "embed" }},
		{"weight out: 76799 bytes, f16[600 64] takes 76800", func(m *manifest) { m.Weights[1].Bytes-- }},
		{"weight out: 131073 bytes at 65536, weights.bin has 196608", func(m *manifest) { m.Weights[1].Bytes = 131073 }},
		{"weight out: 76800 bytes at 4611686018427387904, weights.bin has 196608", func(m *manifest) { m.Weights[1].Offset = 1 << 62 }},
		{"weight out: offset 65537 in weights.bin is not a multiple of 65536", func(m *manifest) { m.Weights[1].Offset++ }},
		{"weight out: offset -65536 in weights.bin is not a multiple of 65536", func(m *manifest) { m.Weights[1].Offset = -65536 }},
		{"weight out: begins at 65536 in weights.bin, within embed, which has 65537 bytes at 0", func(m *manifest) { m.Weights[0].Bytes = 65537 }},
		{`weight embed: sha256 "" is not 64 hexadecimal digits`, func(m *manifest) { m.Weights[0].SHA256 = "" }},

		{"there is no step prefill", func(m *manifest) { m.Steps[1].Name = "prefix" }},
		{`step 1: name "decode" is empty or taken`, func(m *manifest) { m.Steps[1].Name = "decode" }},
		{"step decode: arena of -1 bytes: want 0 to 274877906944", func(m *manifest) { m.Steps[0].Arena = -1 }},
		{"step decode: arena of 274877906944 bytes, no step uses more than 1024", func(m *manifest) { m.Steps[0].Arena = 1 << 38 }},
		{"step decode: launch 0 (layers.0.attn): buffer 0: 512 bytes at 0, the arena has 511", func(m *manifest) { m.Steps[0].Arena = 511 }},
		{"step decode: launch 0 (layers.0.attn): buffer 0: 512 bytes at 9223372036854775807, the arena has 512", func(m *manifest) {
			m.Steps[0].Launches[0].Bufs[0].Offset = 1<<63 - 1
		}},
		{"step decode: launch 0 (layers.0.attn): buffer 0: 9223372036854775807 bytes at 256, the arena has 512", func(m *manifest) {
			m.Steps[0].Launches[0].Bufs[0].Offset, m.Steps[0].Launches[0].Bufs[0].Bytes = 256, 1<<63-1
		}},
		{"step decode: launch 0 (layers.0.attn): buffer 1: weight 2 of 2", func(m *manifest) { m.Steps[0].Launches[0].Bufs[1].Index = 2 }},
		{"step decode: launch 0 (layers.0.attn): buffer 2: state -1 of 1", func(m *manifest) { m.Steps[0].Launches[0].Bufs[2].Index = -1 }},
		{`step decode: launch 0 (layers.0.attn): buffer 2: space "heap": want arena, weight or state`, func(m *manifest) {
			m.Steps[0].Launches[0].Bufs[2].Space = "heap"
		}},
		{"step decode: launch 0 (layers.0.attn): kernel 1 of 1", func(m *manifest) { m.Steps[0].Launches[0].Kernel = 1 }},
		{"step decode: launch 0 (layers.0.attn): integer 0: 3 coefficients for 2 symbols", func(m *manifest) {
			m.Steps[0].Launches[0].Ints[0].Coef = []int64{1, 1, 1}
		}},
		{"step decode: launch 0 (layers.0.attn): integer 0: coefficient 137438953472: want -68719476736 to 68719476736", func(m *manifest) {
			m.Steps[0].Launches[0].Ints[0].Const = 1 << 37
		}},
		{"step decode: port logits: 512 bytes at 256, the arena has 512", func(m *manifest) {
			m.Steps[0].Outputs[0].Shape[0].Const = 128
		}},
		{"step prefill: port tokens: 1280 bytes at 0, the arena has 1024", func(m *manifest) {
			m.Steps[1].Inputs[0].Shape[0].Coef[0] = 40
		}},
		{"step prefill: port tokens: axis 1: more than 274877906944 elements", func(m *manifest) {
			m.Steps[1].Inputs[0].Shape = []Affine{{Const: 1 << 20}, {Const: 1 << 30}}
		}},
		{`step prefill: port tokens: dtype "i3" is unknown`, func(m *manifest) { m.Steps[1].Inputs[0].DType = "i3" }},
		{"step prefill: port tokens: axis 0: -7 elements for 1 new tokens after 31", func(m *manifest) {
			m.Steps[1].Inputs[0].Shape = []Affine{{Const: 25, Coef: []int64{-1, -1}}}
		}},

		{`file "../x": not a path of a file in the artifact`, func(m *manifest) { m.Files[0].Path = "../x" }},
		{`file "/etc/passwd": not a path of a file in the artifact`, func(m *manifest) { m.Files[0].Path = "/etc/passwd" }},
		{`file "manifest.json": not a path of a file in the artifact`, func(m *manifest) { m.Files[0].Path = "manifest.json" }},
		{"file graph.ir: listed twice", func(m *manifest) { m.Files = append(m.Files, *m.file("graph.ir")) }},
		{"file weights.bin: not listed", func(m *manifest) { m.Files = m.Files[1:] }},
		{"file weights.bin: -1 bytes", func(m *manifest) { m.Files[0].Bytes = -1 }},
		{`file weights.bin: sha256 "12" is not 64 hexadecimal digits`, func(m *manifest) { m.Files[0].SHA256 = "12" }},
		{"weights.bin has 196609 bytes, not a multiple of 65536", func(m *manifest) { m.Files[0].Bytes++ }},
	} {
		t.Run(x.want, func(t *testing.T) {
			dir := writeFake(t)
			editManifest(t, dir, x.edit)
			_, err := OpenArtifact(dir, OpenOptions{})
			require.EqualError(t, err, filepath.Join(dir, manifestName)+": "+x.want)
		})
	}
}

// Fields are spelt as they are, once; a sum over them does not make up for it.
func TestManifestUnknownField(t *testing.T) {
	dir := writeFake(t)
	path := filepath.Join(dir, manifestName)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	edited := resum(bytes.Replace(b, []byte(`"vocab": 17`), []byte(`"vocab": 17, "colour": 3`), 1))
	_, err = parseManifest(edited)
	require.EqualError(t, err, `json: unknown field "colour"`)
	_, err = parseManifest(resum(append(b, "{}"...)))
	require.ErrorContains(t, err, "invalid character '{' after top-level value")
	_, err = parseManifest(resum(b))
	require.NoError(t, err)
}

// The version comes before anything that another version may have changed.
func TestManifestOfAnotherVersion(t *testing.T) {
	for _, text := range []string{
		`{"format": 7, "compiler": "v3", "files": {"weights.bin": 1}, "steps": "none"}`,
		`{"steps": 1, "compiler": "v3", "format": 7}`,
	} {
		_, err := parseManifest([]byte(text))
		require.EqualError(t, err, "format 7, made by llorch \"v3\"; this llorch reads format 1: compile the model again, or use the llorch that made it")
	}
	_, err := parseManifest([]byte(`{}`))
	require.EqualError(t, err, "format 0, want 1: this is no manifest of llorch")
}

// Any one byte of a manifest that changes makes it an error.
func TestManifestEveryByte(t *testing.T) {
	dir := writeFake(t)
	b, err := os.ReadFile(filepath.Join(dir, manifestName))
	require.NoError(t, err)
	for i := range b {
		for _, bit := range []byte{1, 32} {
			b[i] ^= bit
			_, err := parseManifest(b)
			require.Error(t, err, "byte %d", i)
			b[i] ^= bit
		}
	}
}

// FuzzManifest: no text makes the reader panic, and what it accepts can be written again.
func FuzzManifest(f *testing.F) {
	dir := writeFake(f)
	b, err := os.ReadFile(filepath.Join(dir, manifestName))
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseManifest(b)
		if err != nil {
			m, err = parseManifest(resum(b)) // past the sum
		}
		if err != nil {
			require.NotContains(t, err.Error(), "%!")
			return
		}
		m.Memory()
		text, err := m.encode()
		require.NoError(t, err)
		again, err := parseManifest(text)
		require.NoError(t, err)
		back, err := again.encode()
		require.NoError(t, err)
		require.Equal(t, string(text), string(back))
	})
}
