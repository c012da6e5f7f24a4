"""The GGUF file: metadata, vocabulary, matrices as Q8_0 and norms as F32."""

import struct

import numpy as np
import sentencepiece as spm

from data import BOS, EOS

ALIGNMENT = 32
BLOCK = 32  # weights in one block of Q8_0
U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5  # GGUF's value types
FORMATS = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}
TENSOR_F32, TENSOR_Q8_0 = 0, 8  # GGML's tensor types
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6  # GGML's token types

NAMES = {
    "embed": "token_embd",
    "norm": "output_norm",
    "attn_norm": "attn_norm",
    "attn.q": "attn_q",
    "attn.k": "attn_k",
    "attn.v": "attn_v",
    "attn.output": "attn_output",
    "ffn_norm": "ffn_norm",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}


def tensor_name(name):
    """GGUF's name of a parameter of model.Llama."""
    name = name.removesuffix(".weight")
    if not name.startswith("blocks."):
        return NAMES[name] + ".weight"
    _, layer, part = name.split(".", 2)
    return f"blk.{layer}.{NAMES[part]}.weight"


def quantise(matrix):
    """Q8_0's scales and integers: blocks of 32 weights along the rows, scale = largest magnitude / 127 as float16."""
    blocks = matrix.astype(np.float32).reshape(-1, BLOCK)
    scale = np.abs(blocks).max(1, keepdims=True) / np.float32(127)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    return scale.astype(np.float16), np.rint(blocks * inverse).astype(np.int8)


def dequantise(matrix):
    """The matrix as a reader of the file sees it."""
    scale, q = quantise(matrix)
    return (scale.astype(np.float32) * q.astype(np.float32)).reshape(matrix.shape)


def pack(array):
    """The tensor type and bytes of one parameter."""
    if array.ndim == 1:
        return TENSOR_F32, array.astype("<f4").tobytes()
    scale, q = quantise(array)
    return TENSOR_Q8_0, np.concatenate([scale.astype("<f2").view(np.int8), q], 1).tobytes()


def string(s):
    data = s.encode()
    return struct.pack("<Q", len(data)) + data


def value(kind, v):
    if kind == STRING:
        return string(v)
    if kind == ARRAY:
        of, items = v
        return struct.pack("<IQ", of, len(items)) + b"".join(value(of, i) for i in items)
    return struct.pack(FORMATS[kind], v)


def metadata(c, tokenizer):
    """The keys of the file, in order: (key, type, value)."""
    sp = spm.SentencePieceProcessor(model_proto=tokenizer)
    ids = range(c.vocab)
    kinds = [
        UNKNOWN if sp.is_unknown(i) else CONTROL if sp.is_control(i) else BYTE if sp.is_byte(i) else NORMAL for i in ids
    ]
    return [
        ("general.architecture", STRING, "llama"),
        ("general.name", STRING, "Austen"),
        ("general.description", STRING, "A small Llama trained by the llorch project on the novels of Jane Austen"),
        ("general.license", STRING, "apache-2.0"),
        ("general.file_type", U32, 7),  # mostly Q8_0
        ("general.quantization_version", U32, 2),
        ("llama.vocab_size", U32, c.vocab),
        ("llama.context_length", U32, c.context),
        ("llama.embedding_length", U32, c.dim),
        ("llama.block_count", U32, c.layers),
        ("llama.feed_forward_length", U32, c.ffn),
        ("llama.attention.head_count", U32, c.heads),
        ("llama.attention.head_count_kv", U32, c.kv_heads),
        ("llama.attention.layer_norm_rms_epsilon", F32, c.eps),
        ("llama.rope.dimension_count", U32, c.dim // c.heads),
        ("llama.rope.freq_base", F32, c.theta),
        ("tokenizer.ggml.model", STRING, "llama"),
        ("tokenizer.ggml.tokens", ARRAY, (STRING, [sp.id_to_piece(i) for i in ids])),
        ("tokenizer.ggml.scores", ARRAY, (F32, [sp.get_score(i) for i in ids])),
        ("tokenizer.ggml.token_type", ARRAY, (I32, kinds)),
        ("tokenizer.ggml.unknown_token_id", U32, sp.unk_id()),
        ("tokenizer.ggml.bos_token_id", U32, BOS),
        ("tokenizer.ggml.eos_token_id", U32, EOS),
        ("tokenizer.ggml.add_bos_token", BOOL, True),
        ("tokenizer.ggml.add_eos_token", BOOL, False),
        ("tokenizer.ggml.add_space_prefix", BOOL, False),
    ]


def gguf(c, tokenizer, parameters):
    """The bytes of the file; parameters maps model.Llama's names to arrays."""
    keys = metadata(c, tokenizer)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(parameters), len(keys))
    for key, kind, v in keys:
        head += string(key) + struct.pack("<I", kind) + value(kind, v)
    body = b""
    for name, array in parameters.items():
        kind, data = pack(array)
        head += string(tensor_name(name)) + struct.pack("<I", array.ndim)
        head += struct.pack(f"<{array.ndim}Q", *reversed(array.shape))
        head += struct.pack("<IQ", kind, len(body))
        body += data + bytes(-len(data) % ALIGNMENT)
    return head + bytes(-len(head) % ALIGNMENT) + body
