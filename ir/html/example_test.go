package html_test

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/llorch/llorch/ir"
	"github.com/llorch/llorch/ir/html"
	"github.com/llorch/llorch/ir/op"
)

// The page of a graph that is wrong shows where.
func Example() {
	src, err := os.ReadFile("../testdata/seed.ir")
	if err != nil {
		log.Fatal(err)
	}
	g, err := ir.Parse("seed.ir", string(src), op.Table)
	if err != nil {
		log.Fatal(err)
	}
	p := html.New("seed.ir")
	err = ir.Verify(g)
	p.Add(html.Stage{Name: "declared", Doc: "the graph as the text declares it", Graphs: []html.Graph{{Graph: g}}})
	if err != nil {
		p.Fail(err)
	}
	p.Set(map[string]int64{"S": 5, "P": 2}) // what the page opens with

	var page bytes.Buffer
	if err := p.Render(&page); err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.Contains(page.String(), "axis kv differs"), strings.Contains(page.String(), "https://"))
	// Output:
	// true false
}
