"""Writes the small random models beside this file, and their logits as transformers computes them in float64.

    python3 models/testdata/oracle/oracle.py

needs torch and transformers (made with 2.9.1 and 4.57.1), which the tests do not: they read what is committed. Each folder is a
Hugging Face model with weights in f16 or bf16, and logits.json, of every position of one sequence.
"""

import json
import os
import sys

import torch

# transformers computes norms, softmax and rotations in float32 whatever the model's type is. Here float32 is float64.
torch.float32 = torch.float = torch.float64
torch.Tensor.float = torch.Tensor.double
torch.set_default_dtype(torch.float64)

import transformers
from safetensors.torch import save_file

size = dict(
    vocab_size=53, hidden_size=24, intermediate_size=29, num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2,
    max_position_embeddings=64, rms_norm_eps=1e-5, attn_implementation="eager",
    bos_token_id=1, eos_token_id=2, pad_token_id=0,
)

models = {
    "llama": ("Llama", torch.float16, dict()),
    "mistral": ("Mistral", torch.float16, dict(sliding_window=5)),
    "qwen2": ("Qwen2", torch.float16, dict(num_hidden_layers=3, use_sliding_window=True, sliding_window=4, max_window_layers=1)),
    "qwen3": ("Qwen3", torch.float16, dict(head_dim=10, tie_word_embeddings=True, rope_theta=1e6)),
    "gemma2": ("Gemma2", torch.bfloat16, dict(num_hidden_layers=3, head_dim=10, sliding_window=6, query_pre_attn_scalar=17,
        attn_logit_softcapping=2.5, final_logit_softcapping=3.5)),
    "phi3": ("Phi3", torch.float16, dict(sliding_window=7, partial_rotary_factor=0.5)),
}

real32 = torch.zeros(1, dtype=torch.float16).numpy().astype("float32").dtype  # numpy's, since torch's name is taken


def write(name, kind, dtype, change, seed):
    torch.manual_seed(seed)
    args = {**size, **change}
    config = getattr(transformers, kind + "Config")(**args)
    model = getattr(transformers, kind + "ForCausalLM")(config).double().eval()
    tensors = {}
    for key, p in model.named_parameters():
        x = torch.randn(p.shape)
        if key.endswith("norm.weight"):
            x = 0.3 * x + (0 if kind == "Gemma2" else 1)
        elif p.dim() > 1 and "embed" not in key:
            x = x * 1.5 / p.shape[1] ** 0.5
        else:
            x = 0.5 * x
        tensors[key] = x.to(dtype).contiguous()
        with torch.no_grad():
            p.copy_(tensors[key].double())
    rotary = model.model.rotary_emb
    rotary.inv_freq = torch.from_numpy(rotary.inv_freq.double().numpy().astype(real32).astype("float64"))  # as graphs keep them

    tokens = torch.randint(3, config.vocab_size, (1, 17))
    with torch.no_grad():
        logits = model(tokens, use_cache=False).logits[0]
    assert logits.dtype == torch.float64, logits.dtype

    folder = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])) if len(sys.argv) < 2 else sys.argv[1], name)
    os.makedirs(folder, exist_ok=True)
    config.architectures = [kind + "ForCausalLM"]
    config.save_pretrained(folder)
    save_file(tensors, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    with open(os.path.join(folder, "logits.json"), "w") as f:
        rows = ",\n".join("[" + ", ".join("%.13g" % v for v in row) + "]" for row in logits.tolist())
        f.write('{"tokens": %s,\n"logits": [\n%s\n]}\n' % (json.dumps(tokens[0].tolist()), rows))
    print(name, tuple(logits.shape), "rms", logits.pow(2).mean().sqrt().item(), flush=True)


for seed, (name, (kind, dtype, change)) in enumerate(models.items()):
    write(name, kind, dtype, change, seed)
