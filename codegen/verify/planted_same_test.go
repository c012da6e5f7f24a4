package verify_test

// The mistakes that change no value of a model that is plantable. What is not listed here has to be found.

const (
	stabiliser = "the maximum of scores only keeps exponents small: it cancels out"
	unmasked   = "the keys of a tile end at its query, so masks are 0"
	masked     = "masks take away the weight of keys behind the query"
	noKeys     = "a tile without keys adds nothing"
	scaledAway = "what lies there is multiplied by exp(-3.4e38) before it is used"
	oneRow     = "of a single token: its distance to the next is nobody's"
	noTokens   = "a tile without tokens writes nothing"
	whole      = "the rows are a multiple of the tile's"
	modulus    = "the remainder is of a number that is smaller already"
	everyLane  = "every lane has the team's result"
	oneRound   = "the loop has one round: a thread has no more to do"
	noElements = "the last teams have no elements to add"
	unread     = "what is more is an element of group memory that nobody reads"
	positive   = "there is a key and a token in every tile"
	shifted    = "all scores are higher by the same, which cancels out"
	finite     = "no scale of the model is infinite"
	unused     = "the tile takes no such memory"
)

var sameInGo = []reason{
	{"", "kernelAttnMixed", `^(top|most) :?= `, stabiliser},
	{"", "kernelAttnMixed", `«\+» cpu\.Choose|kv <= .*«0\.0»|kv <= .*Inf\(-«1»|^kv := `, unmasked},
	{"", "kernelAttnMixed", `^end := |^rows := min\(4, nKv`, masked},
	{"< becomes <=", "kernelAttnMixed", `^for j := 0; j `, noKeys},
	{"", "kernelAttnMixed", `«[lm]\[c\]|«acc\[i\]|^l\[c\] = «|^acc\[i\] = «|^for i := range «`, scaledAway},
	{"an integer is one more", "", `Dot(Acts)?\(.*, «\d+», count\d*, 1,`, oneRow},
	{"< becomes <=", "", `^for t\d* := 0; t`, noTokens},
	{"", "", `^count\d* := min\(\d+, `, whole},
	{"an integer is one more", "kernelAttnQKV", `%10%«10»|0\.0-rotations\[.*%«10»%10|%20, «19»\)`, modulus},
}

var sameInMetal = []reason{
	{"", "", `^gemv::.*memory ?«`, unused},
	{"an integer is one more", "", `lane == «0»`, everyLane},
	{"an integer is one more", "", `\+= «(256|8)»|sum_group<«256»>`, oneRound},
	{"a sum keeps its last term", "attn", `\+= 256\) total|\+= TEAM\) total|k_s < 32; k_s \+= TEAM\) sum_s`, oneRound},
	{"a loop ends early", "sum_group", `i < «THREADS / TEAM»`, noElements},
	{"an integer is one more", "", `max\((rows|cols\d*), «0»\)`, positive},
	{"an integer is one more", "attnQKV", `\? 0\.0f - rotations\[[^:]*% «\d+»`, modulus},
	{"", "attnMixed", `top = fmaxf\(|most = fmaxf\(`, stabiliser},
	{"a float is half as much again", "attnMixed", `sum_s = «0\.0»f`, shifted},
	{"a float is half as much again", "attnMixed", `\? «0\.0»f : \(-INFINITE\)\) - most`, shifted},
	{"", "attnMixed_1", `^p\[.*(«\+» \(j|\(j «\+»|\(j« \+ r»)`, unmasked},
	{"a float is half as much again", "attnMixed", `^(acc\[i\]|l\[c\]) = «`, scaledAway},
	{"", "attnMixed", `^for \(int (c|i) = self; .*(«<»|< «\d+»|\* «\d+»)`, unread},
	{"", "attnMixed", `at_s (« ?<» |< .*\* «\d+»)`, unread},
	{"< becomes <=", "attnMixed", `^for \(int j = 0; j `, noKeys},
	{"", "attnMixed_1", `^const int rows = |^for \(int j = 0; j < P \+ «1»`, masked},
	{"", "attnMixed_2", `^const int (end|rows) = `, masked},
	{"", "q8_0_at", `31744 \? .* : .*«.*\* float\(word8|[&<] «31744»|31744\) «<»|\(\(word16\(w, [^?]*«5».* < 31744`, finite},
}
