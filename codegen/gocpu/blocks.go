package gocpu

import (
	"fmt"

	"github.com/dave/jennifer/jen"
)

// The functions below emit loops over unpacked blocks, which are the same for every dtype.

// blockParams are the parameters that addDots and addRows share, after acc's own.
func blockParams(acc ...jen.Code) []jen.Code {
	ints := jen.List(jen.Id("xAt"), jen.Id("xStride"), jen.Id("rows"), jen.Id("cols"), jen.Id("k"))
	params := append([]jen.Code{jen.Id("acc").Index().Float32()}, acc...)
	return append(params, jen.Id("b").Op("*").Id("block"), jen.Id("x").Index().Float32(), ints.Int())
}

// column is the n elements from at in column c of the array v.
func column(v string, c *jen.Statement, n string) *jen.Statement {
	at := jen.Id(v + "At").Op("+").Add(c).Op("*").Id(v + "Stride")
	return jen.Id(v).Index(at, jen.Empty()).Index(jen.Empty(), jen.Id(n))
}

// addDots emits the products of a block with every column. A block of fewer rows computes all of them and drops the rest, and
// a column without a partner is its own.
func addDots() *jen.Statement {
	second := func() *jen.Statement { return jen.Id("c").Op("+").Lit(1) }
	pair := func() *jen.Statement { return jen.If(second().Op("<").Id("cols")) }
	return jen.Comment("addDots adds the inner products of the block's rows with the columns of x.").Line().
		Func().Id("addDots").Params(blockParams()...).Block(
		jen.Var().Id("s").Index(jen.Lit(blockRows*blockCols)).Float32(),
		forStep("c", "cols", jen.Lit(blockCols)).Block(
			jen.Id("x0").Op(":=").Add(column("x", jen.Id("c"), "k")),
			jen.Id("x1").Op(":=").Id("x0"),
			pair().Block(jen.Id("x1").Op("=").Add(column("x", jen.Parens(second()), "k"))),
			jen.Id("dotBlock").Call(jen.Op("&").Id("s"), jen.Id("b"), jen.Id("x0"), jen.Id("x1")),
			jen.For(jen.Id("r").Op(":=").Range().Id("rows")).Block(
				jen.Id("at").Op(":=").Id("r").Op("*").Id("cols").Op("+").Id("c"),
				jen.Id("acc").Index(jen.Id("at")).Op("+=").Id("s").Index(jen.Lit(2).Op("*").Id("r")),
				pair().Block(
					jen.Id("acc").Index(jen.Id("at").Op("+").Lit(1)).Op("+=").Id("s").Index(jen.Lit(2).Op("*").Id("r").Op("+").Lit(1)),
				),
			),
		),
	).Line()
}

// dotBlock emits the register tile: the four rows of a block by two columns.
func dotBlock() *jen.Statement {
	sum := func(r, c int) *jen.Statement { return jen.Id(fmt.Sprintf("s%d%d", r, c)) }
	var sums, load, products, tail, results []jen.Code
	for c := range blockCols {
		x := fmt.Sprintf("x%d", c)
		load = append(load, jen.Id(fmt.Sprintf("q%d", c)).Op(":=").Parens(jen.Op("*").Index(jen.Lit(unrollK)).Float32()).
			Parens(jen.Id(x).Index(jen.Id("i"), jen.Empty())))
	}
	for r := range blockRows {
		load = append(load, jen.Id(fmt.Sprintf("p%d", r)).Op(":=").Parens(jen.Op("*").Index(jen.Lit(unrollK)).Float32()).
			Parens(jen.Id("b").Index(jen.Lit(r)).Index(jen.Id("i"), jen.Empty())))
		for c := range blockCols {
			sums = append(sums, sum(r, c))
			results = append(results, sum(r, c))
			tail = append(tail, sum(r, c).Op("+=").Id("b").Index(jen.Lit(r)).Index(jen.Id("i")).
				Op("*").Id(fmt.Sprintf("x%d", c)).Index(jen.Id("i")))
		}
	}
	for u := range unrollK {
		for r := range blockRows {
			for c := range blockCols {
				products = append(products, sum(r, c).Op("+=").Id(fmt.Sprintf("p%d", r)).Index(jen.Lit(u)).
					Op("*").Id(fmt.Sprintf("q%d", c)).Index(jen.Lit(u)))
			}
		}
	}
	products = append(load, products...)
	return jen.Comment("dotBlock is the inner products of the block's rows with two columns.").Line().
		Func().Id("dotBlock").Params(jen.Id("s").Op("*").Index(jen.Lit(blockRows*blockCols)).Float32(), jen.Id("b").Op("*").Id("block"),
		jen.List(jen.Id("x0"), jen.Id("x1")).Index().Float32()).Block(
		jen.Var().List(sums...).Float32(),
		jen.Id("i").Op(":=").Lit(0),
		jen.For(jen.Empty(), jen.Id("i").Op("+").Lit(unrollK).Op("<=").Len(jen.Id("x0")), jen.Id("i").Op("+=").Lit(unrollK)).Block(
			products...,
		),
		jen.For(jen.Empty(), jen.Id("i").Op("<").Len(jen.Id("x0")), jen.Id("i").Op("++")).Block(tail...),
		jen.Op("*").Id("s").Op("=").Index(jen.Lit(blockRows*blockCols)).Float32().Values(results...),
	).Line()
}

// addRows emits the weighted sums of a block's rows.
func addRows() *jen.Statement {
	var bs, rows, ys, weights, terms []jen.Code
	for r := range blockRows {
		b, y := jen.Id(fmt.Sprint("b", r)), jen.Id(fmt.Sprint("y", r))
		bs, ys = append(bs, b), append(ys, y)
		rows = append(rows, jen.Id("b").Index(jen.Lit(r)).Index(jen.Empty(), jen.Len(jen.Id("a"))))
		weights = append(weights, jen.Id("y").Index(jen.Lit(r)))
		terms = append(terms, jen.Add(y).Op("*").Add(b).Index(jen.Id("i")))
	}
	return jen.Comment("addRows adds to each column of acc the sum of the block's rows, weighted by a column of x.").Line().
		Comment("Rows that are not there are zero.").Line().
		Func().Id("addRows").Params(blockParams(jen.List(jen.Id("accAt"), jen.Id("accStride")).Int())...).Block(
		jen.For(jen.Id("c").Op(":=").Range().Id("cols")).Block(
			jen.Var().Id("y").Index(jen.Id("blockRows")).Float32(),
			jen.Id("copy").Call(jen.Id("y").Index(jen.Op(":")), column("x", jen.Id("c"), "rows")),
			jen.List(ys...).Op(":=").List(weights...),
			jen.Id("a").Op(":=").Add(column("acc", jen.Id("c"), "k")),
			jen.List(bs...).Op(":=").List(rows...),
			jen.For(jen.Id("i").Op(":=").Range().Id("a")).Block(
				jen.Id("a").Index(jen.Id("i")).Op("+=").Add(join(terms, "+")),
			),
		),
	).Line()
}
