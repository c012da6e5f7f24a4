package metal

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var place = regexp.MustCompile(`program_source:(\d+):\d+: `)

// sourceError adds to what Metal's compiler says the line of source that its first message is about.
func sourceError(source string, err error) error {
	m := place.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	n, _ := strconv.Atoi(m[1])
	lines := strings.Split(source, "\n")
	if n < 1 || n > len(lines) {
		return err
	}
	return fmt.Errorf("%w\nkernels.metal:%d: %s", err, n, lines[n-1])
}
