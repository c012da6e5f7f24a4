package gguf

// tensorType is a row of ggml's table of tensor types. Rows of a tensor are whole blocks.
type tensorType struct {
	name  string
	elems int64 // per block; 0 for a type that ggml has removed
	bytes int64 // per block
}

// tensorTypes is indexed by ggml's type id (enum ggml_type in ggml.h; block layouts in ggml-common.h).
var tensorTypes = [...]tensorType{
	0:  {"f32", 1, 4},
	1:  {"f16", 1, 2},
	2:  {"q4_0", 32, 2 + 16},
	3:  {"q4_1", 32, 2 + 2 + 16},
	4:  {name: "q4_2"},
	5:  {name: "q4_3"},
	6:  {"q5_0", 32, 2 + 4 + 16},
	7:  {"q5_1", 32, 2 + 2 + 4 + 16},
	8:  {"q8_0", 32, 2 + 32},
	9:  {"q8_1", 32, 2 + 2 + 32},
	10: {"q2_k", 256, 16 + 64 + 2 + 2},
	11: {"q3_k", 256, 32 + 64 + 12 + 2},
	12: {"q4_k", 256, 2 + 2 + 12 + 128},
	13: {"q5_k", 256, 2 + 2 + 12 + 32 + 128},
	14: {"q6_k", 256, 128 + 64 + 16 + 2},
	15: {"q8_k", 256, 4 + 256 + 2*16},
	16: {"iq2_xxs", 256, 2 + 64},
	17: {"iq2_xs", 256, 2 + 64 + 8},
	18: {"iq3_xxs", 256, 2 + 96},
	19: {"iq1_s", 256, 2 + 32 + 16},
	20: {"iq4_nl", 32, 2 + 16},
	21: {"iq3_s", 256, 2 + 64 + 8 + 32 + 4},
	22: {"iq2_s", 256, 2 + 64 + 8 + 8},
	23: {"iq4_xs", 256, 2 + 2 + 4 + 128},
	24: {"i8", 1, 1},
	25: {"i16", 1, 2},
	26: {"i32", 1, 4},
	27: {"i64", 1, 8},
	28: {"f64", 1, 8},
	29: {"iq1_m", 256, 32 + 16 + 8},
	30: {"bf16", 1, 2},
	31: {name: "q4_0_4_4"},
	32: {name: "q4_0_4_8"},
	33: {name: "q4_0_8_8"},
	34: {"tq1_0", 256, 48 + 4 + 2},
	35: {"tq2_0", 256, 64 + 2},
	36: {name: "iq4_nl_4_4"},
	37: {name: "iq4_nl_4_8"},
	38: {name: "iq4_nl_8_8"},
	39: {"mxfp4", 32, 1 + 16},
	40: {"nvfp4", 64, 4 + 32},
	41: {"q1_0", 128, 2 + 16},
	42: {"q2_0", 64, 2 + 16},
}
