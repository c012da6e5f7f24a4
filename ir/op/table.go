// Package op holds THE op table. A row is all that llorch knows of an op: its constraints and type rule, its reference
// evaluation in float64, what it lowers to, and the small programs that every target is tested on. Nothing else in llorch
// lists ops: passes see classes, code generators see kernel IR.
//
// Constraints are numbered; a diagnostic ends with the number: [matmul.3] is the third of matmul.
package op

import "github.com/llorch/llorch/ir"

// Rows are the ops by family, in the order that documentation lists them.
var Rows = concat(leaves, elementwise, indexMaps, lookups, rotary, rowReductions, contractions, encodings, cacheOps)

// Table is the rows by name.
var Table = NewTable(Rows...)

// NewTable indexes rows by name: a table of one's own may add rows to these.
func NewTable(rows ...*ir.Op) ir.Table {
	t := ir.Table{}
	for _, r := range rows {
		t[r.Name] = r
	}
	return t
}

func concat(families ...[]*ir.Op) []*ir.Op {
	var rows []*ir.Op
	for _, f := range families {
		rows = append(rows, f...)
	}
	return rows
}
