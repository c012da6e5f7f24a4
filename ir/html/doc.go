// Package html draws graphs as one page that needs no network: what llorch ir --format html prints.
//
// A [Page] is given the graph as it stands after each pass and, after lowering and planning, its launches and its arena. It
// keeps no graph: each stage is encoded at once, because passes rewrite graphs in place. [Page.Render] writes the page:
//
//	page.go      what a page is given
//	encode.go    stages as JSON: tables of strings, dims, types and nodes, each once, and graphs as indices into them
//	fault.go     a failed check: its diagnostics as tables, one column an axis
//	render.go    the template, the style and the scripts in one file
//	assets/      eval.js sizes, model.js the decoded tables and how layers fold, tree.js the columns, arena.js the arena,
//	             card.js what hovering shows, main.js the controls
//
// Shapes are sent as the affine dims that they are; the page evaluates them as dim.Dim.Eval does, in 64 bits with overflow.
// Text reaches the page as JSON and as text nodes alone, and a content security policy allows no script but the page's own: a
// tensor's name is never markup.
package html
