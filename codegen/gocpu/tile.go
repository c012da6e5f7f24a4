package gocpu

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/llorch/llorch/ir/kernel"
)

// Shape of the emitted loops, measured on a Zen 4 core: a single row in steps of 8 with 4 accumulators is fastest for one
// column, because it needs the fewest bounds checks; for more columns a block of 4 rows is unpacked once to float32, short
// enough to stay in the first cache, and read by every pair of columns.
const (
	step         = 8
	accumulators = 4
	blockRows    = 4
	blockCols    = 2
	blockK       = 256
	unrollK      = 4
)

// Tiles emits a Go file with the portable tile of every weight dtype of single elements; blocks have theirs in package cpu.
func Tiles(opt Options) ([]byte, error) {
	file := newFile(opt)
	var table []jen.Code
	var loops []jen.Code
	for i := range kernel.DTypes {
		row := &kernel.DTypes[i]
		if !row.Weight || row.Elems > 1 {
			continue
		}
		t := &tileType{row: row, suffix: goName(strings.ToUpper(row.Name))}
		table = append(table, jen.Values(
			jen.Id("DType").Op(":").Qual(kernelPath, strings.ToUpper(row.Name)),
			jen.Id("Level").Op(":").Lit("portable"),
			jen.Id("Dot").Op(":").Id(t.fn("dot")),
			jen.Id("Mix").Op(":").Id(t.fn("mix")),
			jen.Id("At").Op(":").Id(t.fn("at")),
		))
		loops = append(loops, t.dot(), t.mix(), t.dotRow(), t.unpack(), t.at(), t.value())
		if t.err != nil {
			return nil, t.err
		}
	}
	file.Comment("Tiles holds the portable tile of every weight dtype of single elements.")
	file.Var().Id("Tiles").Op("=").Index().Qual(cpuPath, "Tile").Add(multiline(table))
	file.Line()
	file.Const().Defs(
		jen.Id("blockRows").Op("=").Lit(blockRows).Comment("rows of a matrix that are unpacked together"),
		jen.Id("blockK").Op("=").Lit(blockK).Comment("elements of each"),
	)
	file.Line().Comment("block holds unpacked elements.")
	file.Type().Id("block").Index(jen.Id("blockRows")).Index(jen.Id("blockK")).Float32()
	for _, c := range append(loops, addDots(), dotBlock(), addRows()) {
		file.Line().Add(c)
	}
	return render(file)
}

// tileType emits the functions of one weight dtype.
type tileType struct {
	row    *kernel.DTypeRow
	suffix string
	err    error
}

func (t *tileType) fn(prefix string) string { return prefix + t.suffix }

// bytes is the byte offset of element e.
func (t *tileType) bytes(e *jen.Statement) *jen.Statement { return jen.Lit(t.row.Bytes).Op("*").Add(e) }

// tileParams are the parameters of cpu.Tile's Dot and Mix.
func tileParams() []jen.Code {
	return []jen.Code{
		jen.Id("acc").Index().Float32(), jen.Id("w").Index().Byte(), jen.List(jen.Id("wAt"), jen.Id("wStride")).Int(),
		jen.Id("x").Index().Float32(), jen.List(jen.Id("xStride"), jen.Id("rows"), jen.Id("cols"), jen.Id("k")).Int(),
	}
}

// dot emits the tile of inner products.
func (t *tileType) dot() *jen.Statement {
	start := jen.Parens(jen.Id("wAt").Op("+").Id("r").Op("*").Id("wStride"))
	return jen.Commentf("%s is the Dot of %s. One column streams through the rows; more share a block of unpacked rows.",
		t.fn("dot"), t.row.Name).Line().
		Func().Id(t.fn("dot")).Params(tileParams()...).Block(
		jen.If(jen.Id("cols").Op("==").Lit(1).Op("&&").Id("k").Op(">").Lit(0)).Block(
			jen.For(jen.Id("r").Op(":=").Range().Id("rows")).Block(
				jen.Id("acc").Index(jen.Id("r")).Op("=").Id(t.fn("dotRow")).Call(
					jen.Id("w").Index(t.bytes(start), jen.Empty()), jen.Id("x").Index(jen.Empty(), jen.Id("k"))),
			),
			jen.Return(),
		),
		jen.Id("clear").Call(jen.Id("acc").Index(jen.Empty(), jen.Id("rows").Op("*").Id("cols"))),
		jen.Var().Id("b").Id("block"),
		forStep("r", "rows", jen.Id("blockRows")).Block(
			jen.Id("nr").Op(":=").Id("min").Call(jen.Id("blockRows"), jen.Id("rows").Op("-").Id("r")),
			forStep("j", "k", jen.Id("blockK")).Block(
				jen.Id("nk").Op(":=").Id("min").Call(jen.Id("blockK"), jen.Id("k").Op("-").Id("j")),
				t.unpackRows(),
				jen.Id("addDots").Call(jen.Id("acc").Index(jen.Id("r").Op("*").Id("cols"), jen.Empty()), jen.Op("&").Id("b"),
					jen.Id("x"), jen.Id("j"), jen.Id("xStride"), jen.Id("nr"), jen.Id("cols"), jen.Id("nk")),
			),
		),
	).Line()
}

// mix emits the tile of weighted sums of rows.
func (t *tileType) mix() *jen.Statement {
	return jen.Commentf("%s is the Mix of %s.", t.fn("mix"), t.row.Name).Line().
		Func().Id(t.fn("mix")).Params(tileParams()...).Block(
		jen.Var().Id("b").Id("block"),
		forStep("j", "k", jen.Id("blockK")).Block(
			jen.Id("nk").Op(":=").Id("min").Call(jen.Id("blockK"), jen.Id("k").Op("-").Id("j")),
			forStep("r", "rows", jen.Id("blockRows")).Block(
				jen.Id("nr").Op(":=").Id("min").Call(jen.Id("blockRows"), jen.Id("rows").Op("-").Id("r")),
				t.unpackRows(),
				jen.Id("clear").Call(jen.Id("b").Index(jen.Id("nr"), jen.Empty())),
				jen.Id("addRows").Call(jen.Id("acc"), jen.Id("j"), jen.Id("k"), jen.Op("&").Id("b"),
					jen.Id("x"), jen.Id("r"), jen.Id("xStride"), jen.Id("nr"), jen.Id("cols"), jen.Id("nk")),
			),
		),
	).Line()
}

// unpackRows fills the block b from row r and element j on.
func (t *tileType) unpackRows() *jen.Statement {
	start := jen.Parens(jen.Id("wAt").Op("+").Parens(jen.Id("r").Op("+").Id("i")).Op("*").Id("wStride").Op("+").Id("j"))
	return jen.For(jen.Id("i").Op(":=").Range().Id("nr")).Block(
		jen.Id(t.fn("unpack")).Call(jen.Id("b").Index(jen.Id("i")).Index(jen.Empty(), jen.Id("nk")),
			jen.Id("w").Index(t.bytes(start), jen.Empty())))
}

// dotRow emits the inner product of one row.
func (t *tileType) dotRow() *jen.Statement {
	var sums, total []jen.Code
	for i := range accumulators {
		sums = append(sums, jen.Id(fmt.Sprint("s", i)))
		total = append(total, jen.Id(fmt.Sprint("s", i)))
	}
	var body []jen.Code
	for e := range step {
		body = append(body, jen.Id(fmt.Sprint("s", e%accumulators)).Op("+=").Add(t.element(e)).Op("*").Id("q").Index(jen.Lit(e)))
	}
	tail := jen.Id("s0").Op("+=").Add(t.single()).Op("*").Id("x").Index(jen.Id("i"))
	return jen.Commentf("%s is the inner product of a row with x.", t.fn("dotRow")).Line().
		Func().Id(t.fn("dotRow")).Params(jen.Id("w").Index().Byte(), jen.Id("x").Index().Float32()).Float32().Block(
		jen.Var().List(sums...).Float32(),
		t.passes("x", body, tail),
		jen.Return(join(total, "+")),
	).Line()
}

// unpack emits the expansion of a row to float32.
func (t *tileType) unpack() *jen.Statement {
	var body []jen.Code
	for e := range step {
		body = append(body, jen.Id("q").Index(jen.Lit(e)).Op("=").Add(t.element(e)))
	}
	tail := jen.Id("dst").Index(jen.Id("i")).Op("=").Add(t.single())
	return jen.Commentf("%s expands the first elements of a row.", t.fn("unpack")).Line().
		Func().Id(t.fn("unpack")).Params(jen.Id("dst").Index().Float32(), jen.Id("w").Index().Byte()).Block(
		t.passes("dst", body, tail),
	).Line()
}

// passes emits the loop over whole steps, where p and q point at the step's bytes and at its elements of v, and the loop
// over what is left.
func (t *tileType) passes(v string, body []jen.Code, tail jen.Code) *jen.Statement {
	bytes := step * t.row.Bytes
	body = append([]jen.Code{
		jen.Id("p").Op(":=").Add(t.pointer(bytes, jen.Byte(), jen.Id("w"))),
		jen.Id("q").Op(":=").Add(t.pointer(step, jen.Float32(), jen.Id(v))),
	}, body...)
	body = append(body, jen.List(jen.Id("w"), jen.Id(v)).Op("=").List(
		jen.Id("w").Index(jen.Lit(bytes), jen.Empty()), jen.Id(v).Index(jen.Lit(step), jen.Empty())))
	return jen.For(jen.Len(jen.Id(v)).Op(">=").Lit(step)).Block(body...).Line().For(jen.Id("i").Op(":=").Range().Id(v)).Block(tail)
}

// single unpacks element i of w.
func (t *tileType) single() *jen.Statement {
	return jen.Id(t.fn("value")).Call(t.pointer(t.row.Bytes, jen.Byte(), jen.Id("w").Index(t.bytes(jen.Id("i")), jen.Empty())))
}

// at emits the load of one element.
func (t *tileType) at() *jen.Statement {
	return jen.Commentf("%s is element i of w.", t.fn("at")).Line().
		Func().Id(t.fn("at")).Params(jen.Id("w").Index().Byte(), jen.List(jen.Id("_"), jen.Id("i")).Int()).Float32().Block(
		jen.Return(t.single()),
	).Line()
}

// forStep is the head of a loop over v below n in steps.
func forStep(v, n string, by *jen.Statement) *jen.Statement {
	return jen.For(jen.Id(v).Op(":=").Lit(0), jen.Id(v).Op("<").Id(n), jen.Id(v).Op("+=").Add(by))
}

// join puts op between the terms.
func join(terms []jen.Code, op string) *jen.Statement {
	s := jen.Add(terms[0])
	for _, t := range terms[1:] {
		s.Op(op).Add(t)
	}
	return s
}
