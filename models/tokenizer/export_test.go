package tokenizer

// PreTokenizers lists the first name of each pre-tokenizer.
func PreTokenizers() (list []string) {
	for _, p := range preTokenizers {
		list = append(list, p.names[0])
	}
	return list
}

// WordEnds lists where the words of text end.
func WordEnds(pre, text string) []int {
	list, end := []int{}, 0
	words(preTokenizerNamed(pre).automata, wellFormed(text), func(word string) {
		end += len(word)
		list = append(list, end)
	})
	return list
}

// Expressions lists what words are cut by.
func Expressions() (list []string) {
	for _, a := range automata {
		list = append(list, a.expr)
	}
	return list
}

// NamedExpressions are those that a tokenizer.json names.
var NamedExpressions = []string{digitExpr, digitsExpr, gpt2Expr}
