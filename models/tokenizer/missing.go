package tokenizer

import "fmt"

// Missing is the error of a model that has no tokenizer, or one of a kind that is not supported: it runs on ids. A damaged
// tokenizer gives other errors.
type Missing struct{ why string }

func (m *Missing) Error() string { return m.why }

// Missingf makes a Missing.
func Missingf(format string, args ...any) *Missing { return &Missing{fmt.Sprintf(format, args...)} }
