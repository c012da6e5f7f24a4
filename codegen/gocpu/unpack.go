package gocpu

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/llorch/llorch/ir/kernel"
)

// value emits the function that unpacks an element, from the dtype's Unpack expression: short enough for Go to inline.
func (t *tileType) value() *jen.Statement {
	f := &function{k: &kernel.Kernel{Name: "unpack " + t.row.Name}, ids: map[string]string{}, hoisted: map[string]string{}}
	b := &block{}
	words := map[string]string{}
	word := func(at kernel.Expr, bytes int) kernel.Expr {
		key := fmt.Sprint(exprKey(at), " ", bytes)
		if words[key] == "" {
			name := "bits"
			if len(words) > 0 {
				name = fmt.Sprint("bits", len(words)+1)
			}
			words[key], f.ids[name] = name, name
			b.add(jen.Id(words[key]).Op(":=").Add(f.word(at, bytes)))
		}
		return kernel.IntVar(words[key])
	}
	e := t.row.Unpack(word)
	if c, ok := e.(*kernel.Call); ok && c.Fn.Name == "choose" { // a branch costs less than both values
		b.add(jen.If(f.expr(c.Args[0])).Block(jen.Return(f.expr(c.Args[1]))))
		e = c.Args[2]
	}
	b.add(jen.Return(f.expr(e)))
	t.err = f.err
	return jen.Commentf("%s is an element of %s.", t.fn("value"), t.row.Name).Line().
		Func().Id(t.fn("value")).Params(jen.Id("p").Op("*").Index(jen.Lit(t.row.Bytes)).Byte()).Float32().Block(b.code...).Line()
}

// word reads an unsigned little-endian integer of the element p.
func (f *function) word(at kernel.Expr, bytes int) *jen.Statement {
	if bytes == 1 {
		return jen.Int().Call(jen.Id("p").Index(f.expr(at)))
	}
	from := f.expr(at)
	if isInt(at, 0) {
		from = jen.Empty()
	}
	return jen.Int().Call(jen.Qual("encoding/binary", "LittleEndian").Dot(fmt.Sprint("Uint", 8*bytes)).Call(
		jen.Id("p").Index(from, jen.Empty())))
}

// element unpacks element e of the step whose bytes p points at.
func (t *tileType) element(e int) *jen.Statement {
	return jen.Id(t.fn("value")).Call(t.pointer(t.row.Bytes, jen.Byte(), jen.Id("p").Index(jen.Lit(e*t.row.Bytes), jen.Empty())))
}

// pointer views the first n elements of a slice as an array, whose one bounds check serves all of them.
func (t *tileType) pointer(n int, elem, slice *jen.Statement) *jen.Statement {
	return jen.Parens(jen.Op("*").Index(jen.Lit(n)).Add(elem)).Parens(slice)
}
