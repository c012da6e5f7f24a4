package host

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestGroupRoom(t *testing.T) {
	files := func(pairs ...string) fstest.MapFS {
		m := fstest.MapFS{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1] + "\n")}
		}
		return m
	}
	for _, test := range []struct {
		name, list string
		mount      fstest.MapFS
		want       int64
	}{
		{"no groups", "", files(), -1},
		{"no limit", "0::/a\n", files("a/memory.max", "max", "a/memory.current", "7"), -1},
		{"what it has counts, caches do not", "0::/a/b\n", files("a/b/memory.max", "1000", "a/b/memory.current", "700",
			"a/b/memory.stat", "anon 300\ninactive_file 150\nactive_file 50\nfile 999"), 500},
		{"a group around it", "0::/a/b\n", files("a/b/memory.max", "1000", "a/memory.max", "400", "a/memory.current", "100"), 300},
		{"a container, whose group is the root", "0::/\n", files("memory.max", "1000", "memory.current", "1"), 999},
		{"a container that sees its path outside", "4:memory:/docker/x\n", files("memory/memory.limit_in_bytes", "1000"), 1000},
		{"version 1", "9:name=systemd:/\n5:devices:/a\n4:cpu,memory:/a\n0::/\n", files("memory/a/memory.limit_in_bytes", "1000",
			"memory/a/memory.usage_in_bytes", "900", "memory/a/memory.stat", "total_inactive_file 200", "memory/memory.limit_in_bytes", "9223372036854771712"), 300},
		{"more than it may have", "0::/a\n", files("a/memory.max", "10", "a/memory.current", "20"), 0},
		{"nonsense", "0\nx:memory\n0::../../b\n", files("b/memory.max", "-5", "memory.max", "x"), -1},
	} {
		require.Equal(t, test.want, groupRoom(test.mount, test.list), test.name)
	}
}
