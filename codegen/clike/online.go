package clike

import (
	"reflect"

	"github.com/llorch/llorch/ir/kernel"
)

// online is a loop of a group over its keys, a block at a time: scores, their weights under a running maximum, and the weighted sums of
// values (Milakov and Gimelshein 2018, arXiv 1805.02867). A kernel has it as statements; a dialect may have a tile for all of them, which
// keeps scores and weights in registers.
type online struct {
	loop     *kernel.For
	rows     *kernel.Let   // keys of a block
	dot      *kernel.Dot   // their scores
	mix      *kernel.Mix   // their values
	max, sum *kernel.Load  // the column's running maximum and sum
	col      string        // the column in lets and score, "" where there is one
	at       kernel.Expr   // the column
	lets     []kernel.Stmt // of a column
	key      string        // the key of the block in score
	raw      *kernel.Load  // the element of the scores in score
	score    kernel.Expr   // what a key's weight is of
}

// findOnline is the loop as an online, if it is one to the letter.
func findOnline(s *kernel.For) *online {
	last := len(s.Body) - 1
	if s.Lanes || s.Teams || last < 3 {
		return nil
	}
	o := &online{loop: s, at: kernel.I(0)}
	var is [3]bool
	o.rows, is[0] = s.Body[0].(*kernel.Let)
	o.dot, is[1] = s.Body[1].(*kernel.Dot)
	o.mix, is[2] = s.Body[last].(*kernel.Mix)
	if is != [3]bool{true, true, true} || o.dot.AccStride == nil {
		return nil
	}
	body := s.Body[2:last] // of a single column
	if cols, ok := body[0].(*kernel.For); ok && cols.Teams && len(body) == 1 {
		o.col, o.at, body = cols.Var, kernel.IntVar(cols.Var), cols.Body
	}
	const own = 8 // statements of a column besides its names
	n := len(body) - own
	if n < 0 {
		return nil
	}
	top, isTop := body[n].(*kernel.Reduce)
	sum, isSum := body[n+5].(*kernel.Store)
	most, isMost := body[n+6].(*kernel.Store)
	if !isTop || !isSum || !isMost {
		return nil
	}
	o.lets, o.key, o.score = body[:n], top.Var, top.Value
	o.sum, o.max = kernel.At(sum.Buf, sum.Index).(*kernel.Load), kernel.At(most.Buf, most.Index).(*kernel.Load)
	o.raw = &kernel.Load{Buf: o.dot.Acc, Index: kernel.Add(kernel.Mul(kernel.IntVar(o.key), o.dot.AccStride), o.at), T: kernel.Float}
	block := &kernel.Let{Name: o.rows.Name, Value: kernel.Min(s.Step, kernel.Sub(s.Hi, kernel.IntVar(s.Var)))}
	if o.first(o.max) == nil || o.first(o.sum) == nil {
		return nil
	}
	if !reflect.DeepEqual(block, o.rows) || !reflect.DeepEqual(o.column(body[n:]), body[n:]) || !reflect.DeepEqual(o.values(), o.mix) || !only(o.score, o.raw) {
		return nil
	}
	return o
}

// column is what a column does with a block, with the names that body gives.
func (o *online) column(body []kernel.Stmt) []kernel.Stmt {
	names := make([]string, len(body)) // of variables that are no others' business
	for i, s := range body {
		switch s := s.(type) {
		case *kernel.Let:
			names[i] = s.Name
		case *kernel.Reduce:
			names[i] = s.Name
		}
	}
	loops := func(i int) string {
		switch s := body[i].(type) {
		case *kernel.For:
			return s.Var
		case *kernel.Reduce:
			return s.Var
		}
		return ""
	}
	c, zero, one, rows := o.at, kernel.I(0), kernel.I(1), kernel.IntVar(o.rows.Name)
	weight := func(r string) *kernel.Load {
		return &kernel.Load{Buf: o.mix.X, Index: kernel.Add(kernel.Mul(c, o.mix.XStride), kernel.IntVar(r)), T: kernel.Float}
	}
	exp := func(a, b kernel.Expr) kernel.Expr { return kernel.Apply("exp", kernel.Sub(a, b)) }
	most, scale := kernel.FloatVar(names[1]), kernel.FloatVar(names[2])
	r, k := loops(3), loops(7)
	at := kernel.Add(kernel.Mul(c, o.mix.K), kernel.IntVar(k))
	return []kernel.Stmt{
		&kernel.Reduce{Name: names[0], Op: kernel.Max, Var: o.key, N: rows, Value: o.score},
		&kernel.Let{Name: names[1], Value: kernel.MaxE(o.max, kernel.FloatVar(names[0]))},
		&kernel.Let{Name: names[2], Value: exp(o.max, most)},
		&kernel.For{Var: r, Lo: zero, Hi: rows, Step: one, Lanes: true, Body: []kernel.Stmt{
			&kernel.Store{Buf: o.mix.X, Index: weight(r).Index, Value: exp(renamed(o.score, o.key, r), most)},
		}},
		&kernel.Reduce{Name: names[4], Op: kernel.Sum, Var: loops(4), N: rows, Value: weight(loops(4))},
		&kernel.Store{Buf: o.sum.Buf, Index: o.sum.Index, Value: kernel.Add(kernel.Mul(o.sum, scale), kernel.FloatVar(names[4]))},
		&kernel.Store{Buf: o.max.Buf, Index: o.max.Index, Value: most},
		&kernel.For{Var: k, Lo: zero, Hi: o.mix.K, Step: one, Lanes: true, Body: []kernel.Stmt{
			&kernel.Store{Buf: o.mix.Acc, Index: at, Value: kernel.Mul(kernel.At(o.mix.Acc, at), scale)},
		}},
	}
}

// first is the index of the first column's, where those of the columns follow each other, or nil.
func (o *online) first(l *kernel.Load) kernel.Expr {
	if reflect.DeepEqual(l.Index, o.at) {
		return kernel.I(0)
	}
	if o.col == "" {
		return l.Index
	}
	if sum, ok := l.Index.(*kernel.Call); ok && sum.Fn.Name == "add" {
		for i, a := range sum.Args {
			if base, ok := sum.Args[1-i].(*kernel.IntLit); ok && reflect.DeepEqual(a, o.at) {
				return base
			}
		}
	}
	return nil
}

// values is the mix of the weights that a column stores.
func (o *online) values() *kernel.Mix {
	m := *o.mix
	m.AccAt, m.XAt, m.Rows, m.Cols, m.AccStride = kernel.I(0), kernel.I(0), kernel.IntVar(o.rows.Name), o.dot.Cols, nil
	return &m
}

// renamed is an expression with another name for a variable.
func renamed(e kernel.Expr, from, to string) kernel.Expr {
	return replaced(e, func(e kernel.Expr) kernel.Expr {
		if v, ok := e.(*kernel.Var); ok && v.Name == from {
			return &kernel.Var{Name: to, T: v.T}
		}
		return nil
	})
}

// with is an expression with a variable in place of a load.
func with(e kernel.Expr, load *kernel.Load, name string) kernel.Expr {
	return replaced(e, func(e kernel.Expr) kernel.Expr {
		if reflect.DeepEqual(e, kernel.Expr(load)) {
			return kernel.FloatVar(name)
		}
		return nil
	})
}

// replaced is an expression with others for those parts for which by has some.
func replaced(e kernel.Expr, by func(kernel.Expr) kernel.Expr) kernel.Expr {
	if other := by(e); other != nil {
		return other
	}
	switch e := e.(type) {
	case *kernel.Load:
		return &kernel.Load{Buf: e.Buf, Index: replaced(e.Index, by), T: e.T}
	case *kernel.Call:
		args := make([]kernel.Expr, len(e.Args))
		for i, a := range e.Args {
			args[i] = replaced(a, by)
		}
		return &kernel.Call{Fn: e.Fn, Args: args}
	}
	return e
}

// only reports that an expression loads from the buffer of one element nothing else.
func only(e kernel.Expr, one *kernel.Load) bool {
	switch e := e.(type) {
	case *kernel.Load:
		return reflect.DeepEqual(e, one) || e.Buf != one.Buf && only(e.Index, one)
	case *kernel.Call:
		for _, a := range e.Args {
			if !only(a, one) {
				return false
			}
		}
	}
	return true
}
