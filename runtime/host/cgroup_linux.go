package host

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// groupFiles are where a version of control groups says what a group may have, what it has, and what of that is a cache of files,
// which gives way.
type groupFiles struct {
	root, limit, used string
	caches            []string // lines of memory.stat
}

var (
	groups2 = groupFiles{".", "memory.max", "memory.current", []string{"inactive_file", "active_file"}}
	groups1 = groupFiles{"memory", "memory.limit_in_bytes", "memory.usage_in_bytes", []string{"total_inactive_file", "total_active_file"}}
)

// groupRoom is the least that a control group leaves of its limit, of those that /proc/self/cgroup has and of those around them; -1
// where none has a limit. In a container the files of its own group may stand at the root, whatever path it has outside.
func groupRoom(mount fs.FS, list string) int64 {
	least := int64(-1)
	for line := range strings.Lines(list) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		f := groups2
		if controllers != "" {
			f = groups1
			if !strings.Contains(","+controllers+",", ",memory,") {
				continue
			}
		}
		for at := path.Clean("/" + group); ; at = path.Dir(at) {
			if n := f.room(mount, path.Join(f.root, at)); n >= 0 && (least < 0 || n < least) {
				least = n
			}
			if at == "/" {
				break
			}
		}
	}
	return least
}

// room is what a group leaves, -1 without a limit.
func (f groupFiles) room(mount fs.FS, dir string) int64 {
	number := func(file string) int64 {
		b, err := fs.ReadFile(mount, path.Join(dir, file))
		if err != nil {
			return -1
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
		if err != nil { // "max"
			return -1
		}
		return n
	}
	limit := number(f.limit)
	if limit < 0 {
		return -1
	}
	stat, _ := fs.ReadFile(mount, path.Join(dir, "memory.stat"))
	used := max(0, number(f.used))
	for line := range strings.Lines(string(stat)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, cache := range f.caches {
			if n, err := strconv.ParseInt(value, 10, 64); name == cache && err == nil {
				used -= n
			}
		}
	}
	return max(0, limit-max(0, used))
}
