// Package jinja renders the Jinja templates that language models carry to turn
// a conversation into a prompt, as Python's jinja2 renders them under the
// settings of Hugging Face transformers: trim_blocks, lstrip_blocks, loop
// controls, an immutable sandbox, no escaping, plain undefined values.
//
//	t, err := jinja.Parse("{% for m in messages %}{{ m.content }}{% endfor %}")
//	text, err := t.Render(vars, env)
//
// A template goes through three stations: the lexer (lex.go) cuts the source
// into tokens and settles white space, the parser (parse*.go) builds nodes, and
// each node knows how to run (stmt.go, expr.go) inside an [evaluator].
//
// # Values
//
// A [Value] is one of
//
//	nil        none                *List       list or tuple
//	bool       true, false         *Dict       dict with string keys, in order
//	int64      int                 *namespace  namespace()
//	float64    float               *loop       loop inside a for
//	Text       str                 function    macro, method, global
//	undefined  a missing value     markup      str after the safe filter
//
// # Provenance
//
// A [Text] remembers which of its bytes came from outside the template
// ([InputText]) through every operation: slices, splits, joins, case, JSON. What
// is made from input counts as input. A caller can so tell the control tokens
// that a template wrote from the same letters in a user's message.
//
// # Limits
//
// Templates come from files that nobody has read, so [Template.Render] always
// ends: each node and each loop round costs one step, each byte that an operation
// reads or writes costs one byte of work, and nesting is counted, all against
// fixed limits (budget.go). A template has no way to files, the network,
// other templates or Go values.
//
// # Not understood
//
// Parse refuses, with the line, what jinja2 knows and this package does not:
// import, include, extends, block, call, recursive loops, * and ** in calls, and
// filters or tests outside its tables (filter*.go, test.go; inside an if only
// once they run, as in jinja2). Render refuses
// operations whose result would differ from Python's, such as integers beyond 64
// bits or the case of letters that map to several.
package jinja
