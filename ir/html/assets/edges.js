// The arcs beside a column's rows, from what a value reads to the value.

function middle(e) { return e.offsetTop + e.offsetHeight / 2; }

// outside are the values that folded layers read and do not compute.
function outside(section) {
  const own = new Set(section.layers.flatMap((l) => l.items.flatMap((i) => i.nodes.map((n) => n.name))));
  return new Set(section.layers.flatMap((l) => l.items.flatMap((i) => i.nodes.flatMap((n) => n.in))).filter((name) => !own.has(name)));
}

class Edges {
  constructor(column) {
    this.column = column;
    this.svg = svg('svg', { class: 'edges', 'aria-hidden': 'true' });
    column.tree.prepend(this.svg);
    this.arcs = [];
    for (const { node } of column.rows.values()) {
      for (const name of new Set(node.in)) {
        const fault = column.app.model.faults.some((f) => f.node === node.name && f.in.includes(name));
        const path = svg('path', { class: fault ? 'fault' : '' });
        const head = svg('path', { class: fault ? 'tip fault' : 'tip' });
        this.arcs.push({ from: name, to: node.name, fault, path, head });
      }
    }
    for (const r of column.list) {
      if (r.layers && r.el.getAttribute('aria-expanded') === 'false') for (const from of outside(r.layers)) this.arcs.push({ from, to: '', at: r.el, fault: false, path: svg('path', {}), head: svg('path', { class: 'tip' }) });
    }
    this.arcs.sort((a, b) => a.fault - b.fault); // on top
    this.svg.append(...this.arcs.flatMap((a) => [a.path, a.head]));
    this.draw();
  }

  // y is the height of a value's row, or of what it is folded into; null where neither is drawn.
  y(name) {
    const row = this.column.rows.get(name);
    if (row) return middle(row.el);
    const l = layerOf(name);
    if (l && this.column.shows(l)) return null; // a weight that is not drawn
    const head = l && this.column.list.find((r) => r.layers && r.layers.family === l.family && r.layers.layers.some((x) => x.index === l.index));
    return head ? middle(head.el) : null;
  }

  draw() {
    const height = this.column.tree.scrollHeight;
    this.svg.setAttribute('height', height);
    const right = 62;
    for (const a of this.arcs) {
      const y1 = this.y(a.from);
      const y2 = a.at ? middle(a.at) : this.y(a.to);
      const out = y1 === null || y1 === y2;
      a.path.style.display = a.head.style.display = out ? 'none' : '';
      if (out) continue;
      const bend = Math.min(right - 4, 10 + Math.abs(y2 - y1) * 0.16);
      const x = right - bend * 1.3;
      a.path.setAttribute('d', `M${right} ${y1 + 3}C${x} ${y1 + 3} ${x} ${y2} ${right - 4} ${y2}`);
      a.head.setAttribute('d', `M${right} ${y2}l-6 -3v6z`);
    }
  }

  // light marks the arcs into and out of a value.
  light(name) {
    for (const a of this.arcs) {
      for (const p of [a.path, a.head]) {
        p.classList.toggle('into', a.to !== '' && a.to === name);
        p.classList.toggle('outof', a.from === name);
      }
    }
    this.svg.classList.toggle('lit', name !== null && this.arcs.some((a) => a.to === name || a.from === name));
  }
}
