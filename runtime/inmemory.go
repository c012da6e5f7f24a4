package runtime

import (
	"fmt"
	"unsafe"
)

// Names of the files that WriteData makes and NewArtifact takes.
const (
	ManifestFile = manifestName
	WeightsFile  = weightsName
)

// weightAlign is what the address of weights has to be a multiple of: the widest word that kernels read.
const weightAlign = 8

// NewArtifact is an artifact for target whose manifest.json and weights.bin are in memory, as a generated package embeds them.
// It has no other files. The weights are used where they lie, unless that is no place for numbers, and must not change.
func NewArtifact(manifest, weights []byte, target string) (*Artifact, error) {
	m, err := parseManifest(manifest)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	if err := m.checkTarget(manifestName, target); err != nil {
		return nil, err
	}
	if err := m.checkLength(weightsName, weights); err != nil {
		return nil, err
	}
	return &Artifact{Program: &m.Program, weights: alignedWeights(weights)}, nil
}

// alignedWeights copies weights that do not begin at a multiple of weightAlign; Go's linker puts what is embedded as []byte at one.
func alignedWeights(weights []byte) []byte {
	if uintptr(unsafe.Pointer(unsafe.SliceData(weights)))%weightAlign == 0 {
		return weights
	}
	words := make([]uint64, (len(weights)+weightAlign-1)/weightAlign)
	out := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(weights))
	copy(out, weights)
	return out
}
