module example.com/storyteller

go 1.26.0

require github.com/llorch/llorch v0.0.0

replace github.com/llorch/llorch => ../../../..
