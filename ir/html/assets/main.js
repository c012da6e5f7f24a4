// The page's state and its controls.

class App {
  constructor(model) {
    this.model = model;
    this.palette = palette(model);
    this.env = Object.fromEntries(model.symbols.map((s) => [s.name, s.value]));
    this.hash = new URLSearchParams(location.hash.slice(1));
    for (const s of model.symbols) if (/^\d{1,15}$/.test(this.hash.get(s.name) || '')) this.env[s.name] = BigInt(this.hash.get(s.name));
    this.showWeights = this.hash.has('weights');
    this.match = -1;
    this.matches = [];
    this.columns = [];
    this.started = false;
  }

  start() {
    const { stages } = this.model;
    this.byId = (id) => document.getElementById(id);
    this.arena = new ArenaView(this, this.byId('arena'));
    this.sliders();
    if (stages.length > 1) this.columns = [new Column(this, 'before', 0), new Column(this, 'after', 0)];
    else if (stages.length === 1) this.columns = [new Column(this, 'graph', 0)];
    this.byId('columns').append(...this.columns.map((c) => c.box));
    this.byId('columns').classList.toggle('single', this.columns.length < 2);
    this.columns.forEach((c, i) => this.chooseFrom(c, i === 0 ? 0 : stages.length - 1, i === 0 ? 'left' : 'right'));
    this.started = true;
    this.controls();
    this.changed();
    for (const f of this.model.faults) for (const c of this.columns) for (const name of [f.node, ...f.in]) c.reveal(name);
    const open = this.hash.get('open');
    if (open) for (const c of this.columns) this.openLayer(c, open);
    if (this.hash.get('find')) { this.byId('search').value = this.hash.get('find'); this.search(true); }
    if (this.hash.get('pin')) this.show(this.hash.get('pin'), true);
  }

  // chooseFrom shows what the address names, as right=plan:decode, or a default.
  chooseFrom(column, stage, side) {
    const [name, graph] = (this.hash.get(side) || '').split(':');
    const named = this.model.stages.findIndex((s) => s.name === name);
    column.choose(named < 0 ? stage : named, graph);
  }

  openLayer(column, name) {
    const node = column.graph.nodes.find((n) => n.name.startsWith(name + '.') && n.group) || column.graph.nodes.find((n) => n.name.startsWith(name + '.'));
    const l = node && layerOf(node.name);
    const s = l && column.sections.find((s) => s.kind === 'layers' && s.layers.some((x) => x.index === l.index));
    if (s) { column.open.set(key(s), l.index); this.changed(); }
  }

  // changed draws everything anew: another stage, another fold.
  changed() {
    if (!this.started) return;
    this.compare();
    for (const c of this.columns) c.render();
    this.arena.render();
    this.resize();
    this.search(false);
    this.light();
    this.remember();
  }

  // compare tells, of two columns, which values are gone, new or changed in more than their extents.
  compare() {
    this.marks = new Map();
    if (this.columns.length < 2) return;
    const [left, right] = this.columns.map((c) => c.graph);
    const text = (n) => JSON.stringify([n.op.name, n.in, n.type.dtype.name, n.type.axes.map((a) => a.name)]);
    for (const n of left.nodes) if (!right.byName.has(n.name)) this.marks.set('0' + n.name, 'gone');
    for (const n of right.nodes) {
      const was = left.byName.get(n.name);
      if (!was) this.marks.set('1' + n.name, 'new');
      else if (text(was) !== text(n)) this.marks.set('1' + n.name, 'changed');
    }
  }

  mark(column) {
    const side = this.columns.indexOf(column);
    for (const { node, el: row } of column.rows.values()) {
      const mark = this.marks.get(side + node.name);
      if (mark) row.querySelector('.name').append(el('span.badge.' + mark, null, mark));
      const fault = this.model.faults.find((f) => f.node === node.name || f.in.includes(node.name));
      if (!fault) continue;
      row.classList.add(fault.node === node.name ? 'fault' : 'suspect');
      if (fault.node === node.name) row.querySelector('.name').append(el('span.badge.gone', null, fault.what));
    }
  }

  visible(node) { return this.showWeights || node.op.source !== 'weight'; }

  weights(on) { this.showWeights = on; this.byId('weights').checked = on; }

  // resize is for another value of a symbol.
  resize() {
    for (const c of this.columns) c.resize();
    this.arena.resize();
    for (const b of document.querySelectorAll('[data-dim]')) b.textContent = grouped(evalDim(this.model.dims[Number(b.dataset.dim)], this.env));
    document.querySelectorAll('section.fault').forEach((f) => this.live(f));
    const outside = this.columns.flatMap((c) => c.graph.bounds.filter((b) => !allowed(b, this.env)).map((b) => c.graph.name + ' allows ' + dimText(b[0]) + ' ' + b[1] + ' ' + dimText(b[2]) + ' only'));
    this.byId('outside').textContent = [...new Set(outside)].join(' · ');
    if (this.pinned) this.pin(...this.pinned);
  }

  // live says what a fault is at the sliders' values.
  live(box) {
    const bad = [...box.querySelectorAll('td.bad b')].map((b) => b.textContent);
    const text = box.querySelector('.live');
    if (!text || bad.length < 2) return;
    const same = bad.every((v) => v === bad[0]);
    box.classList.toggle('hidden-here', same);
    text.textContent = 'at ' + this.values() + ': ' + box.dataset.axes + ' is ' + bad.join(' against ') + (same ? '. It fits here, but not at every value that the bounds allow: move a slider.' : '');
  }

  values() { return Object.entries(this.env).map(([s, v]) => s + '=' + v).join(', ') || 'fixed sizes'; }

  sliders() {
    const box = this.byId('sliders');
    this.inputs = new Map();
    for (const s of this.model.symbols) {
      const span = Number(s.max - s.min);
      const curve = span > 512; // small values matter most
      const toPos = (v) => (curve ? (Math.log1p(Number(v - s.min)) / Math.log1p(span)) * 1000 : Number(v - s.min));
      const fromPos = (p) => s.min + BigInt(Math.round(curve ? Math.expm1((p / 1000) * Math.log1p(span)) : p));
      const range = el('input', { type: 'range', min: 0, max: curve ? 1000 : span, step: curve ? 'any' : 1, 'aria-label': s.name + ' ' + s.doc });
      const number = el('input', { type: 'number', min: s.min, max: s.max, 'aria-label': s.name });
      range.addEventListener('input', () => this.set(s.name, fromPos(Number(range.value))));
      range.addEventListener('keydown', (e) => {
        const by = { ArrowRight: 1n, ArrowUp: 1n, ArrowLeft: -1n, ArrowDown: -1n }[e.key];
        if (by) { e.preventDefault(); this.set(s.name, this.env[s.name] + by); }
      });
      number.addEventListener('change', () => { if (/^-?\d{1,18}$/.test(number.value)) this.set(s.name, BigInt(number.value)); });
      this.inputs.set(s.name, () => { range.value = toPos(this.env[s.name]); number.value = this.env[s.name]; });
      box.append(el('label.slider', null, el('b', null, s.name), el('span', null, s.doc), range, number));
      this.inputs.get(s.name)();
    }
  }

  set(name, value) {
    const s = this.model.symbols.find((x) => x.name === name);
    value = value < s.min ? s.min : value > s.max ? s.max : value;
    const first = this.model.stages[0];
    const bounds = first && first.graphs.length === 1 ? first.graphs[0].graph.bounds : [];
    this.env = settle(bounds, { ...this.env, [name]: value }, name, this.model.symbols);
    this.inputs.forEach((update) => update());
    this.resize();
    this.remember();
  }

  controls() {
    const search = this.byId('search');
    search.addEventListener('input', () => this.search(true));
    search.addEventListener('keydown', (e) => {
      if (e.key === 'Enter') { e.preventDefault(); this.next(e.shiftKey ? -1 : 1); }
      if (e.key === 'Escape') { search.value = ''; this.search(true); search.blur(); }
    });
    this.weights(this.showWeights);
    this.byId('weights').addEventListener('change', (e) => { this.showWeights = e.target.checked; this.changed(); });
    addEventListener('keydown', (e) => {
      if (e.target.closest('input, select')) return;
      if (e.key === '/') { e.preventDefault(); search.focus(); search.select(); }
      if (e.key === 'Escape') this.pin(null);
    });
    const seen = new ResizeObserver(() => { for (const c of this.columns) c.edges.draw(); this.arena.widen(); });
    for (const c of this.columns) seen.observe(c.tree);
    seen.observe(this.arena.box);
    for (const a of document.querySelectorAll('a[data-node]')) a.addEventListener('click', (e) => { e.preventDefault(); this.show(a.dataset.node); });
  }

  // search finds names, ops and shapes, as declared and at the sliders' values, in the last column that has any.
  search(jump) {
    const query = this.byId('search').value.trim().toLowerCase();
    const text = (n) => [n.name, n.op.name, typeText(n.type), n.group ? n.group.name : '', n.type.axes.map((a) => a.name + '=' + evalDim(a.dim, this.env)).join(', ')].join(' ').toLowerCase();
    const hits = (c) => (query ? c.graph.nodes.filter((n) => text(n).includes(query)).map((n) => n.name) : []);
    const all = this.columns.map(hits);
    this.matches = all.findLast((h) => h.length > 0) || [];
    if (jump) { this.match = -1; this.remember(); }
    this.columns.forEach((c, i) => {
      const set = new Set(all[i]);
      for (const r of c.rows.values()) r.el.classList.toggle('match', set.has(r.node.name));
      for (const r of c.list.filter((r) => r.layers)) r.el.classList.toggle('match', r.layers.layers.some((l) => l.items.some((it) => it.nodes.some((n) => set.has(n.name)))));
    });
    this.byId('found').textContent = query ? (this.match >= 0 ? this.match + 1 + ' of ' : '') + this.matches.length : '';
  }

  next(by) {
    if (this.matches.length === 0) return;
    this.match = (this.match + by + this.matches.length) % this.matches.length;
    this.show(this.matches[this.match]);
    this.byId('found').textContent = this.match + 1 + ' of ' + this.matches.length;
  }

  // show unfolds a value wherever it is drawn, scrolls to it and pins it.
  show(name, still) {
    let last = null;
    for (const c of this.columns) if (c.reveal(name)) last = c;
    if (!last) return;
    for (const c of this.columns) {
      const r = c.rows.get(name);
      if (r && !still) r.el.scrollIntoView({ block: 'center', behavior: 'instant' });
    }
    this.pin(name, last);
  }

  pin(name, column, group) {
    const box = this.byId('pinned');
    const again = this.pinned && this.pinned[0] === name && this.pinned[2] === group;
    this.pinned = column && (name || group) ? [name, column, group] : null;
    box.hidden = !this.pinned;
    document.body.classList.toggle('pinning', !!this.pinned);
    if (this.pinned) {
      const node = name && column.graph.byName.get(name);
      const top = again ? box.scrollTop : 0;
      const card = group ? kernelCard(this, column.graph, group) : node ? nodeCard(this, column.graph, node, true) : el('p', null, name + ' is not in this graph');
      box.replaceChildren(el('button', { type: 'button', 'aria-label': 'let go', onclick: () => this.pin(null) }, '×'), card);
      box.scrollTop = top;
    }
    this.light();
    this.remember();
  }

  // hover shows a card beside the pointer, or only lights the row up that the keys are at.
  hover(r, column, e) {
    const box = this.byId('hover');
    this.over = r && r.node ? r.node.name : null;
    box.hidden = true;
    if (this.over && e && !(this.pinned && this.pinned[0] === this.over)) {
      box.replaceChildren(nodeCard(this, column.graph, r.node, false));
      place(box, e.clientX, e.clientY);
    }
    this.light();
  }

  // light marks what is pointed at, or else pinned, with what it reads and what reads it.
  light() {
    const name = this.over || (this.pinned && this.pinned[0]) || null;
    for (const c of this.columns) {
      const node = name && c.graph.byName.get(name);
      const users = new Set(node ? (c.graph.users.get(name) || []).map((n) => n.name) : []);
      for (const r of c.rows.values()) {
        r.el.classList.toggle('hot', r.node.name === name);
        r.el.classList.toggle('producer', !!node && node.in.includes(r.node.name));
        r.el.classList.toggle('consumer', users.has(r.node.name));
      }
      if (c.edges) c.edges.light(node ? name : null);
    }
    this.arena.light(name);
  }

  // remember keeps the view in the address, so that it can be passed on.
  remember() {
    if (!this.started) return;
    const h = new URLSearchParams();
    this.columns.forEach((c, i) => h.set(i === 0 ? 'left' : 'right', this.model.stages[c.stage].name + ':' + c.chosen.name));
    for (const [s, v] of Object.entries(this.env)) h.set(s, v);
    const open = this.columns.flatMap((c) => c.sections.filter((s) => s.kind === 'layers' && c.open.has(key(s))).map((s) => s.family + '.' + c.open.get(key(s))))[0];
    if (open) h.set('open', open);
    if (this.pinned && this.pinned[0]) h.set('pin', this.pinned[0]);
    if (this.showWeights) h.set('weights', '1');
    if (this.arena.fitted) h.set('fit', '1');
    if (this.byId('search').value) h.set('find', this.byId('search').value);
    try { history.replaceState(null, '', '#' + h); } catch { /* a page without an address */ }
  }
}

new App(readModel(JSON.parse(document.getElementById('data').textContent))).start();
