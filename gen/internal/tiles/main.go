// Command tiles writes the generated files of package tiles: the portable tiles of element types, and the assembly.
package main

import (
	"log"
	"os"

	"github.com/llorch/llorch/codegen/gocpu"
	"github.com/llorch/llorch/codegen/gocpu/goasm"
)

func main() {
	log.SetFlags(0)
	files, err := goasm.Files("tiles")
	if err != nil {
		log.Fatal(err)
	}
	files["ztiles.go"], err = gocpu.Tiles(gocpu.Options{Package: "tiles", Source: "the dtype table of package kernel"})
	if err != nil {
		log.Fatal(err)
	}
	for name, src := range files {
		if err := os.WriteFile(name, src, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
