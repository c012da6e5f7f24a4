package kernel

import "fmt"

// EvalInt computes an integer expression of scalars, such as a grid extent; env knows the names.
func EvalInt(e Expr, env func(name string) (int64, bool)) (int64, error) {
	switch e := e.(type) {
	case *IntLit:
		return e.V, nil
	case *Var:
		if v, ok := env(e.Name); ok && e.T == Int {
			return v, nil
		}
		return 0, fmt.Errorf("%s is no known integer", e.Name)
	case *Call:
		if e.Fn.Result != Int {
			break
		}
		args := make([]Value, len(e.Args))
		for i, a := range e.Args {
			v, err := EvalInt(a, env)
			if err != nil {
				return 0, err
			}
			args[i].I = v
		}
		if e.Fn.partial() && e.Fn.undefined(args) {
			return 0, fmt.Errorf("%d %s %d in %s is not defined", args[0].I, e.Fn.Infix, args[1].I, ExprString(e))
		}
		return e.Fn.Eval(args).I, nil
	}
	return 0, fmt.Errorf("%s is no integer expression of scalars", ExprString(e))
}
