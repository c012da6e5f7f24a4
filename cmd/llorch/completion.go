package main

import (
	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/posener/complete"
)

type completionCmd struct {
	kongcompletion.Completion
}

// completeShell answers a shell that asks for completions, and exits then; otherwise it does nothing.
func completeShell(k *kong.Kong) {
	kongcompletion.Register(k, kongcompletion.WithPredictor("path", complete.PredictFiles("*")))
}
