// Package host says how much memory this machine has for a process, and how much that has used.
package host
