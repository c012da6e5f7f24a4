// Command assemble writes the assembly tiles of package gen.
package main

import (
	"log"
	"os"

	"github.com/llorch/llorch/codegen/gocpu/goasm"
)

func main() {
	log.SetFlags(0)
	files, err := goasm.Files("gen")
	if err != nil {
		log.Fatal(err)
	}
	for name, src := range files {
		if err := os.WriteFile(name, src, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
