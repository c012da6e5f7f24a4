package gguf

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// outcome is what an accessor gave, in one value.
type outcome struct {
	value any
	ok    bool
	err   string
}

func get[T any](value T, ok bool, err error) outcome {
	if err != nil {
		return outcome{err: err.Error()}
	}
	return outcome{value: value, ok: ok}
}

func TestAccessors(t *testing.T) {
	f, err := Parse("t.gguf", join(header(3, 0, 14),
		key("str", 8, str("llama")),
		key("i8", 1, u8(0xff)), key("u32", 4, u32(7)), key("u64", 10, u64(math.MaxUint64)), key("i64", 11, u64(1<<63)),
		key("f32", 6, f32(0.5)), key("f64", 12, f64(0.1)), key("bool", 7, u8(0)),
		key("strs", 9, array(8, 3, str("a"), str(""), str("\xff▁"))),
		key("f32s", 9, array(6, 2, f32(-1), f32(0.25))),
		key("i8s", 9, array(1, 2, u8(0x80), u8(3))),
		key("u64s", 9, array(10, 2, u64(math.MaxInt32), u64(math.MaxUint64))),
		key("u32s", 9, array(4, 1, u32(1<<31))),
		key("none", 9, array(5, 0)),
	))
	require.NoError(t, err)
	at := func(key string) string { return f.entries[f.byKey[key]].place() }
	absent := func(zero any) outcome { return outcome{value: zero} }
	found := func(v any) outcome { return outcome{v, true, ""} }
	fails := func(key, text string) outcome { return outcome{err: "t.gguf: " + at(key) + ": " + text} }

	for name, c := range map[string]struct{ got, want outcome }{
		"String":             {get(f.String("str")), found("llama")},
		"String absent":      {get(f.String("x")), absent("")},
		"String of u32":      {get(f.String("u32")), fails("u32", "found u32, want str")},
		"String of arr[str]": {get(f.String("strs")), fails("strs", "found arr[str], want str")},

		"Uint":          {get(f.Uint("u32")), found(uint64(7))},
		"Uint largest":  {get(f.Uint("u64")), found(uint64(math.MaxUint64))},
		"Uint absent":   {get(f.Uint("x")), absent(uint64(0))},
		"Uint negative": {get(f.Uint("i8")), fails("i8", "found -1 of type i8, want 0 to 18446744073709551615")},
		"Uint of f32":   {get(f.Uint("f32")), fails("f32", "found f32, want an integer")},

		"Int":           {get(f.Int("i8")), found(int64(-1))},
		"Int unsigned":  {get(f.Int("u32")), found(int64(7))},
		"Int smallest":  {get(f.Int("i64")), found(int64(math.MinInt64))},
		"Int absent":    {get(f.Int("x")), absent(int64(0))},
		"Int too large": {get(f.Int("u64")), fails("u64", "found 18446744073709551615 of type u64, want at most 9223372036854775807")},
		"Int of bool":   {get(f.Int("bool")), fails("bool", "found bool, want an integer")},

		"Float of f32":    {get(f.Float("f32")), found(0.5)},
		"Float of f64":    {get(f.Float("f64")), found(0.1)},
		"Float of u32":    {get(f.Float("u32")), found(7.0)},
		"Float of i8":     {get(f.Float("i8")), found(-1.0)},
		"Float absent":    {get(f.Float("x")), absent(0.0)},
		"Float too large": {get(f.Float("u64")), fails("u64", "found 18446744073709551615 of type u64, want -9007199254740992 to 9007199254740992 to hold it exactly as a float")},
		"Float too small": {get(f.Float("i64")), fails("i64", "found -9223372036854775808 of type i64, want -9007199254740992 to 9007199254740992 to hold it exactly as a float")},
		"Float of str":    {get(f.Float("str")), fails("str", "found str, want f32, f64 or an integer")},

		"Bool":        {get(f.Bool("bool")), found(false)},
		"Bool absent": {get(f.Bool("x")), absent(false)},
		"Bool of i8":  {get(f.Bool("i8")), fails("i8", "found i8, want bool")},

		"Strings":         {get(f.Strings("strs")), found([]string{"a", "", "\xff▁"})},
		"Strings absent":  {get(f.Strings("x")), absent([]string(nil))},
		"Strings of str":  {get(f.Strings("str")), fails("str", "found str, want arr[str]")},
		"Strings of f32s": {get(f.Strings("f32s")), fails("f32s", "found arr[f32], want arr[str]")},

		"Floats":         {get(f.Floats("f32s")), found([]float32{-1, 0.25})},
		"Floats absent":  {get(f.Floats("x")), absent([]float32(nil))},
		"Floats of strs": {get(f.Floats("strs")), fails("strs", "found arr[str], want arr[f32]")},

		"Ints":            {get(f.Ints("i8s")), found([]int32{-128, 3})},
		"Ints empty":      {get(f.Ints("none")), found([]int32{})},
		"Ints absent":     {get(f.Ints("x")), absent([]int32(nil))},
		"Ints of u64":     {get(f.Ints("u64s")), fails("u64s", "element 1 at byte 349: found 18446744073709551615 of type u64, want -2147483648 to 2147483647")},
		"Ints of u32":     {get(f.Ints("u32s")), fails("u32s", "element 0 at byte 385: found 2147483648 of type u32, want -2147483648 to 2147483647")},
		"Ints of f32s":    {get(f.Ints("f32s")), fails("f32s", "found arr[f32], want an array of integers")},
		"Ints of integer": {get(f.Ints("u32")), fails("u32", "found u32, want an array of integers")},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, c.got) })
	}
	require.Equal(t, `key "str" at byte 24`, at("str"))
}
