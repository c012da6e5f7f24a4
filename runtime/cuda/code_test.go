package cuda

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llorch/llorch/runtime/gpu/device"
)

func TestImage(t *testing.T) {
	cubins := func(archs ...string) Code {
		c := Code{Cubins: map[string][]byte{}}
		for _, a := range archs {
			c.Cubins[a] = []byte(a)
		}
		return c
	}
	withPTX := func(c Code, target string) Code {
		c.PTX = []byte("//\n.version 8.8\n.target " + target + "\n.address_size 64\n")
		return c
	}
	const none = ""
	for _, x := range []struct {
		code         Code
		major, minor int
		want         string
	}{
		{cubins("sm_90"), 9, 0, "sm_90"},
		{cubins("sm_80", "sm_86", "sm_90"), 8, 9, "sm_86"},
		{cubins("sm_80", "sm_86", "sm_90"), 8, 6, "sm_86"},
		{cubins("sm_80", "sm_86", "sm_90"), 8, 0, "sm_80"},
		{cubins("sm_86"), 8, 0, none},
		{cubins("sm_90", "sm_90a"), 9, 0, "sm_90a"},
		{cubins("sm_100", "sm_100a", "sm_100f"), 10, 3, "sm_100"},
		{cubins("sm_100a"), 10, 3, none},
		{cubins("sm_100f"), 10, 0, "sm_100f"},
		{cubins("sm_120"), 12, 1, "sm_120"},
		{cubins("sm_90"), 10, 0, none},
		{cubins("nonsense", "sm_", "sm_a"), 9, 0, none},
		{withPTX(cubins("sm_90"), "sm_90"), 9, 0, "sm_90"},
		{withPTX(cubins("sm_90"), "sm_90"), 10, 0, "PTX"},
		{withPTX(cubins("sm_90"), "sm_80, texmode_independent"), 8, 6, "PTX"},
		{withPTX(cubins(), "sm_90"), 8, 9, none},
		{withPTX(cubins(), "sm_90a"), 9, 0, "PTX"},
		{withPTX(cubins(), "sm_90a"), 10, 0, none},
		{Code{PTX: []byte("garbage")}, 9, 0, none},
		{Code{}, 9, 0, none},
	} {
		image, err := x.code.image(device.Info{Arch: fmt.Sprintf("sm_%d%d", x.major, x.minor)})
		switch x.want {
		case none:
			require.Error(t, err, "%v", x)
		case "PTX":
			require.NoError(t, err, "%v", x)
			require.Equal(t, x.code.PTX, image, "%v", x)
		default:
			require.NoError(t, err, "%v", x)
			require.Equal(t, x.want, string(image), "%v", x)
		}
	}
	_, err := withPTX(cubins("sm_90", "sm_100"), "sm_90").image(device.Info{Name: "NVIDIA A100", Arch: "sm_80"})
	require.EqualError(t, err, "cuda: NVIDIA A100 has compute capability 8.0, and there is code for sm_100, sm_90, PTX of sm_90 alone: compile with --arch sm_80")
	_, err = Code{}.image(device.Info{Name: "NVIDIA A100", Arch: "sm_80"})
	require.EqualError(t, err, "cuda: NVIDIA A100 has compute capability 8.0, and there is code for no device alone: compile with --arch sm_80")
}

// twoDevices is a driver that describes devices and opens none.
type twoDevices struct{ device.Driver }

func (twoDevices) Devices() ([]device.Info, error) {
	return []device.Info{{Arch: "sm_80"}, {Arch: "sm_90"}}, nil
}

func TestArch(t *testing.T) {
	arch, err := Arch(twoDevices{}, 1)
	require.NoError(t, err)
	require.Equal(t, "sm_90", arch)
	for _, i := range []int{-1, 2} {
		_, err = Arch(twoDevices{}, i)
		require.ErrorContains(t, err, "the driver sees 2")
	}
}
