//go:build !amd64

package cpu

func machineLevels() []string { return nil }
