"""Rewrites hf-oracle.json, of which it keeps the texts: what Hugging Face's tokenizers 0.23 makes of them with bpe.json, and
where the first 40 are cut by every pre-tokenizer of ../zwords.go (it cuts with Oniguruma, whose Unicode is 16.0).

    pip install tokenizers && python3 hf-oracle.py
"""
import json, re
from tokenizers import Regex, Tokenizer, pre_tokenizers

def ends(words):
    n, list = 0, []
    for word in words:
        n += len(word.encode())
        list.append(n)
    return list

with open("hf-oracle.json") as f:
    texts = json.load(f)["texts"]
with open("../zwords.go") as f:
    source = f.read()
exprs = [json.loads(e) for e in re.findall(r"^\t\texpr: +(\".*\"),$", source, re.M)]
rows = re.findall(r'names: \[\]string\{"([^"]*)".*automata: \[\]int\{([^}]*)\}', source)
bpe = Tokenizer.from_file("bpe.json")
out = {
    "texts": texts,
    "ids": [bpe.encode(t).ids for t in texts],
    "words": [],
}
for name, automata in rows:
    cut = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(exprs[int(i)]), "isolated") for i in automata.split(",")])
    out["words"].append({"pre": name, "ends": [ends(w for w, _ in cut.pre_tokenize_str(t)) for t in texts[:40]]})
with open("hf-oracle.json", "w") as f:
    f.write("{\n")
    f.write('"texts": [\n' + ",\n".join(json.dumps(t) for t in out["texts"]) + "\n],\n")
    f.write('"ids": [\n' + ",\n".join(json.dumps(i, separators=(",", ":")) for i in out["ids"]) + "\n],\n")
    f.write('"words": [\n' + ",\n".join(json.dumps(w, separators=(",", ":")) for w in out["words"]) + "\n]\n}\n")
