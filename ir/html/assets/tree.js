// A column: a graph at a stage, from top to bottom.

class Column {
  constructor(app, title, stage, graph) {
    Object.assign(this, { app, title, stage, wanted: graph, open: new Map(), rows: new Map(), list: [] });
    this.stageSelect = el('select', { 'aria-label': title + ': stage', onchange: () => this.choose(Number(this.stageSelect.value), this.wanted) },
      app.model.stages.map((s, i) => el('option', { value: i }, s.name)));
    this.graphSelect = el('select', { 'aria-label': title + ': graph', onchange: () => this.choose(this.stage, this.graphSelect.value) });
    this.doc = el('p.doc');
    this.summary = el('p.summary');
    this.tree = el('div.tree', { role: 'tree', 'aria-label': title, onkeydown: (e) => this.key(e) });
    this.box = el('section.column', { 'aria-label': title }, el('div.pick', null, el('h2', null, title), this.stageSelect, this.graphSelect, this.summary), this.doc, this.tree);
    this.tree.addEventListener('mouseover', (e) => this.hover(e));
    this.tree.addEventListener('mouseleave', () => app.hover(null));
    this.tree.addEventListener('click', (e) => this.click(e));
  }

  get graph() { return this.chosen.graph; }

  // choose shows a stage, and of its graphs the one wanted or the first.
  choose(stage, graph) {
    const s = this.app.model.stages[stage];
    Object.assign(this, { stage, wanted: graph, chosen: s.graphs.find((g) => g.name === graph) || s.graphs[0] });
    this.stageSelect.value = stage;
    this.graphSelect.replaceChildren(...s.graphs.map((g) => el('option', null, g.name)));
    this.graphSelect.value = this.chosen.name;
    this.graphSelect.hidden = s.graphs.length < 2;
    this.stageSelect.hidden = this.app.model.stages.length < 2;
    this.doc.textContent = s.doc;
    this.sections = sections(this.graph);
    const layers = this.sections.filter((s) => s.kind === 'layers');
    if (layers.length === 1 && layers[0].layers.length === 1) this.open.set(key(layers[0]), layers[0].layers[0].index);
    this.app.changed();
  }

  // render draws the rows anew.
  render() {
    const { graph, app } = this;
    this.rows.clear();
    this.list = [];
    this.tree.replaceChildren(...this.sections.map((s) => (s.kind === 'layers' ? this.layers(s) : this.values(s))));
    this.edges = new Edges(this);
    const kernels = graph.groups.filter((g) => g.role !== 'view').length;
    const arena = graph.arena ? [bytesText(graph.arena.bytes) + ' arena'] : [];
    this.summary.textContent = [count(graph.nodes.length, 'value'), ...(kernels ? [count(kernels, 'kernel')] : []), ...arena].join(' · ');
    this.resize();
    if (this.list[0]) this.list[0].el.tabIndex = 0;
    app.mark(this);
  }

  values(s) { return el('div.section', { role: 'group', 'aria-label': s.title }, el('h3.part', null, s.title), s.items.map((i) => this.item(i))); }

  // layers is a line for layers that are alike, and when it is open one of them.
  layers(s) {
    const id = key(s);
    const open = this.open.has(id);
    const layer = s.layers.find((l) => l.index === this.open.get(id)) || s.layers[0];
    const groups = layer.items.filter((i) => i.group && i.group.role !== 'view');
    const strip = el('span.strip', { 'aria-hidden': 'true' }, groups.map((i) => el('i', { '--hue': this.app.palette.hue(i.group), title: relative(i.group.name) })));
    const values = layer.items.reduce((n, i) => n + i.nodes.length, 0);
    const many = s.layers.length > 1 ? el('b.times', null, '×' + s.layers.length) : null;
    const head = el('div.row.head', { role: 'treeitem', 'aria-expanded': String(open), tabindex: -1 },
      el('span.name', null, el('span.fold', null, open ? '▾' : '▸'), s.family + ' ' + numbers(s.layers), many),
      strip, el('span.note', null, count(values, 'value') + (groups.length ? ', ' + count(groups.length, 'kernel') : '') + (s.layers.length > 1 ? ' each' : '')));
    this.list.push({ el: head, toggle: (want) => this.toggle(s, layer, want), layers: s });
    const box = el('div.section.layers', { role: 'group', 'aria-label': s.family }, head);
    if (!open) return box;
    if (s.layers.length > 1) box.append(this.picker(s, layer));
    let part = '';
    for (const i of layer.items) {
      const sub = relative(i.name).split('.')[0];
      if (sub !== part && relative(i.name).includes('.')) box.append(el('h4.part', null, (part = sub)));
      add(box, this.item(i));
    }
    return box;
  }

  // picker chooses which of the layers that are alike is shown.
  picker(s, layer) {
    const go = (by) => { const i = s.layers.indexOf(layer) + by; if (s.layers[i]) { this.open.set(key(s), s.layers[i].index); this.app.changed(); } };
    const select = el('select', { 'aria-label': 'layer', onchange: (e) => { this.open.set(key(s), Number(e.target.value)); this.app.changed(); } },
      s.layers.map((l) => el('option', { value: l.index, selected: l === layer }, l.family + '.' + l.index)));
    return el('div.picker', null, el('button', { type: 'button', 'aria-label': 'layer before', onclick: () => go(-1) }, '‹'), select,
      el('button', { type: 'button', 'aria-label': 'next layer', onclick: () => go(1) }, '›'), el('span.note', null, 'all of them are alike'));
  }

  toggle(s, layer, want) {
    const id = key(s);
    if (want === this.open.has(id)) return false;
    if (this.open.has(id)) this.open.delete(id); else this.open.set(id, layer.index);
    this.app.changed();
    return true;
  }

  // item is a node, or a kernel around its nodes.
  item(item) {
    const shown = item.nodes.filter((n) => this.app.visible(n));
    if (!item.group || item.group.role === 'view') return shown.map((n) => this.row(n));
    const head = el('div.row.kernel', { role: 'treeitem', tabindex: -1 },
      el('span.name', null, relative(item.group.name)), el('span.note', null, item.group.role + (item.group.launch >= 0 ? ' · launch ' + item.group.launch : '')));
    this.list.push({ el: head, group: item.group });
    return el('div.box', { '--hue': this.app.palette.hue(item.group), role: 'group', 'aria-label': 'kernel ' + item.group.name }, head, shown.map((n) => this.row(n)));
  }

  row(node) {
    const rel = relative(node.name);
    const cut = rel.lastIndexOf('.') + 1;
    const hue = this.app.palette.hue(this.app.palette.groupOf(this.graph, node));
    const row = { node, shape: el('span.type'), bytes: el('span.bytes') };
    const out = this.graph.outputs.has(node.name) ? el('span.badge', null, 'output') : null;
    const name = el('span.name', null, cut ? el('span.dim', null, rel.slice(0, cut)) : null, rel.slice(cut), out);
    row.el = el('div.row.node', { role: 'treeitem', tabindex: -1, '--hue': hue, 'data-source': node.op.source || null },
      el('span.chip' + (hue === null ? '.plain' : ''), { 'aria-hidden': 'true' }), name, el('span.op', null, node.op.name), row.shape, row.bytes);
    this.rows.set(node.name, row);
    this.list.push(row);
    return row.el;
  }

  // resize writes shapes and sizes for the symbols' values.
  resize() {
    const { app } = this;
    const { env } = app;
    for (const { node, shape: cell, bytes } of this.rows.values()) {
      const fault = app.model.faults.find((f) => f.node === node.name || f.in.includes(node.name));
      const parts = [el('span.dtype', null, (node.type.state ? 'state ' : '') + node.type.dtype.name), ' '];
      node.type.axes.forEach((a, i) => parts.push(i ? ' ' : '', el('span.axis' + (fault && fault.axes.includes(a.name) ? '.bad' : ''), null, a.name, '\u2009',
        el(a.dim.length > 1 ? 'b.symbolic' : 'b', { title: dimText(a.dim) }, String(evalDim(a.dim, env) ?? '?')))));
      cell.replaceChildren(...parts);
      const where = memory(this.graph, node);
      bytes.textContent = { kernel: 'in kernel', view: 'view' }[where] || bytesText(sized(node, env));
      bytes.classList.toggle('dim', where === 'kernel' || where === 'view');
    }
  }

  // reveal opens what hides a value and returns its row.
  reveal(name) {
    const l = layerOf(name);
    const node = this.graph.byName.get(name);
    if (!node) return null;
    let late = !this.app.visible(node);
    if (late) this.app.weights(true);
    const home = node.group ? layerOf(node.group.name) : l;
    const s = home && this.sections.find((s) => s.kind === 'layers' && s.family === home.family && s.layers.some((x) => x.index === home.index));
    if (s && this.open.get(key(s)) !== home.index) { this.open.set(key(s), home.index); late = true; }
    if (late) this.app.changed();
    return this.rows.get(name) || null;
  }

  // shows reports that a layer is the open one of those that are like it.
  shows(l) { return this.sections.some((s) => s.kind === 'layers' && s.family === l.family && this.open.get(key(s)) === l.index); }

  found(e) { const at = e.target.closest('.row'); return at && this.list.find((r) => r.el === at); }

  hover(e) { this.app.hover(this.found(e) || null, this, e); }

  click(e) {
    const r = this.found(e);
    if (!r) return;
    r.el.focus({ preventScroll: true });
    if (r.toggle) r.toggle(); else this.app.pin(r.node ? r.node.name : null, this, r.group);
  }

  // key walks the rows: a tree's keys.
  key(e) {
    if (e.target.closest('select, button')) return;
    const at = this.list.findIndex((r) => r.el === document.activeElement);
    const r = this.list[at];
    const go = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.list.length - 1 }[e.key];
    if (go !== undefined) this.focus(this.list[go]);
    else if (r && (e.key === 'Enter' || e.key === ' ')) { if (r.toggle) { r.toggle(); this.focus(this.list[at]); } else this.app.pin(r.node ? r.node.name : null, this, r.group); }
    else if (r && r.toggle && e.key === 'ArrowRight') { if (r.toggle(true)) this.focus(this.list[at]); }
    else if (e.key === 'ArrowLeft') {
      const head = this.list.slice(0, at + 1).findLastIndex((x) => x.toggle);
      if (head >= 0) { this.list[head].toggle(false); this.focus(this.list[head]); }
    } else return;
    e.preventDefault();
  }

  focus(r) {
    if (!r) return;
    for (const x of this.list) x.el.tabIndex = -1;
    r.el.tabIndex = 0;
    r.el.focus();
    if (r.node) this.app.hover(r, this, null);
  }
}

function key(s) { return s.family + ' ' + numbers(s.layers); }
