"""Writes golden.json: what jinja2 makes of templates/ and conversations.json.

The environment is the one of transformers' apply_chat_template. Run it in this
folder, with jinja2 installed: python3 golden.py
"""
import datetime, json, pathlib

import jinja2.ext
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_body")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def environment():
    def raise_exception(message):
        raise TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = datetime.datetime(2024, 7, 26, 15, 4, 5).strftime
    return env


def render(source, messages, generate):
    try:
        return {"text": environment().from_string(source).render(
            messages=messages, tools=None, documents=None, add_generation_prompt=generate,
            bos_token="<s>", eos_token="</s>")}
    except Exception as err:
        return {"error": str(err)}


def main():
    conversations = json.loads(pathlib.Path("conversations.json").read_text())
    golden = {}
    for path in sorted(pathlib.Path("templates").glob("*.jinja")):
        source = path.read_bytes().decode()
        golden[path.stem] = {
            name + (", answer" if generate else ""): render(source, messages, generate)
            for name, messages in conversations.items() for generate in (False, True)}
    expressions = pathlib.Path("../jinja/testdata/cases.txt").read_text().split("\n----\n")
    cases = [{"source": s, **render(s, conversations["system turns"], True)} for s in expressions]
    for path, value in (("golden.json", golden), ("../jinja/testdata/cases.json", cases)):
        pathlib.Path(path).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


main()
