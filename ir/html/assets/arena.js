// The arena over time: launches to the right, offsets upwards, a rectangle for each value.

function aligned(n) { return ((n + 255n) / 256n) * 256n; }

class ArenaView {
  constructor(app, box) {
    Object.assign(this, { app, box, rects: [], fitted: app.hash.has('fit') });
    this.fit = el('label', null, el('input', { type: 'checkbox', checked: this.fitted, onchange: (e) => { this.fitted = e.target.checked; this.render(); app.remember(); } }), ' planned anew for the sliders’ values');
    box.addEventListener('mousemove', (e) => this.hover(e));
    box.addEventListener('mouseleave', () => { app.hover(null); this.at(null); });
    box.addEventListener('click', (e) => { const r = this.found(e); if (r) app.show(r.slot.name); });
  }

  // render draws the arena of the last column that has one.
  render() {
    const column = this.app.columns.findLast((c) => c.graph.arena);
    this.box.hidden = !column;
    if (!column) return;
    const graph = this.graph = column.graph;
    this.column = column;
    this.note = el('span.note');
    const height = 240;
    const width = this.width = this.room();
    const pad = this.pad = { left: 74, top: 8, bottom: 22 };
    const steps = this.steps = graph.launches.length + 1;
    this.slots = this.fitted ? this.replan(graph) : graph.arena.slots;
    this.drawn = this.app.values();
    const total = Number(this.fitted ? this.peak(this.slots) : graph.arena.bytes) || 1;
    this.x = (l) => pad.left + (l / steps) * (width - pad.left);
    this.y = (o) => height - pad.bottom - (o / total) * (height - pad.top - pad.bottom);
    this.svg = svg('svg', { width, height, role: 'img', 'aria-label': 'arena of ' + graph.name });
    this.axes(graph, total, height);
    this.rects = this.slots.map((slot) => this.slot(graph, slot));
    this.svg.append(...this.rects.map((r) => r.g), (this.cursor = svg('line', { class: 'cursor', y1: pad.top, y2: height - pad.bottom })));
    const saved = Number(graph.arena.sum) / (Number(graph.arena.bytes) || 1);
    this.box.replaceChildren(el('div.pick', null, el('h2', null, 'arena of ' + graph.name),
      el('p.summary', null, bytesText(graph.arena.bytes) + ' for ' + count(graph.arena.slots.length, 'value') + ' · ' + bytesText(graph.arena.sum) + ' without reuse, ' + saved.toFixed(1) + '× as much'), this.note, this.fit), this.svg,
      el('p.doc', null, 'Kernel launches to the right, offsets upwards; a value lies where the plan puts it for the greatest S and P, and is filled as far as it reaches at the sliders’ values.'));
    this.resize();
  }

  // widen draws anew where there is more or less room than before.
  widen() { if (!this.box.hidden && this.width !== this.room()) this.render(); }

  room() { return Math.max(320, this.box.clientWidth - 24); }

  // size is what a value takes at the sliders' values, which is never more than what is planned for it.
  size(slot) {
    const size = slot.node ? matrixBytes(slot.dtype, shape(slot.node.type, this.app.env)) : null;
    return size === null || size > slot.bytes ? slot.bytes : size;
  }

  // replan is the plan as the compiler would make it if these were the greatest sizes: the lowest place that is free.
  replan(graph) {
    const placed = [];
    for (const slot of graph.arena.slots) {
      const bytes = this.size(slot);
      const busy = placed.filter((o) => o.first <= slot.last && slot.first <= o.last).sort((a, b) => (a.offset < b.offset ? -1 : 1));
      let offset = 0n;
      for (const o of busy) {
        if (o.offset >= offset + bytes) break;
        const end = aligned(o.offset + o.bytes);
        if (end > offset) offset = end;
      }
      placed.push({ ...slot, offset, bytes });
    }
    return placed;
  }

  peak(slots) { return slots.reduce((n, s) => { const end = aligned(s.offset + s.bytes); return end > n ? end : n; }, 0n); }

  // axes draws a band for every other layer, and bytes at the left.
  axes(graph, total, height) {
    let start = 0;
    let told = -1; // a layer may go on after a launch of another
    const layerAt = (i) => { const l = i < graph.launches.length && layerOf(graph.launches[i].name); return l ? l.index : null; };
    const wide = this.x(1) - this.x(0);
    for (let i = 1; i <= graph.launches.length; i++) {
      if (layerAt(i) === layerAt(start)) continue;
      const index = layerAt(start);
      if (index !== null) {
        if (index % 2 === 0) this.svg.append(svg('rect', { class: 'band', x: this.x(start), width: wide * (i - start), y: this.pad.top, height: height - this.pad.top - this.pad.bottom }));
        if (wide * (i - start) > 16 && index > told) this.svg.append(svg('text', { x: this.x((start + i) / 2), y: height - 7, 'text-anchor': 'middle' }, String(index)));
        told = Math.max(told, index);
      }
      start = i;
    }
    this.svg.append(svg('text', { x: this.pad.left - 8, y: height - 7, 'text-anchor': 'end' }, 'layer'));
    for (const part of [0, 0.25, 0.5, 0.75, 1]) {
      const y = this.y(total * part);
      this.svg.append(svg('line', { class: 'grid', x1: this.pad.left, x2: this.width, y1: y, y2: y }),
        svg('text', { x: this.pad.left - 8, y: y + 4, 'text-anchor': 'end' }, bytesText(Math.round(total * part))));
    }
  }

  slot(graph, slot) {
    const writer = slot.node && slot.node.group;
    const hue = writer ? this.app.palette.hue(writer) : null;
    const x = this.x(slot.first);
    const width = Math.max(1, this.x(slot.last + 1) - x - 0.6);
    const top = this.y(Number(slot.offset + slot.bytes));
    const planned = svg('rect', { class: 'planned', x, width, y: top, height: Math.max(1, this.y(Number(slot.offset)) - top) });
    const live = svg('rect', { class: 'live', x, width });
    const g = svg('g', { class: hue === null ? 'slot plain' : 'slot', '--hue': hue }, planned, live);
    return { g, live, slot };
  }

  // resize fills values as far as they reach.
  resize() {
    if (this.box.hidden) return;
    if (this.fitted && this.drawn !== this.app.values()) { this.render(); return; }
    for (const r of this.rects) {
      const { slot } = r;
      r.bytes = this.size(slot);
      const top = this.y(Number(slot.offset + r.bytes));
      r.live.setAttribute('y', top);
      r.live.setAttribute('height', Math.max(0.8, this.y(Number(slot.offset)) - top));
    }
    this.at(null);
  }

  // at tells what lives at a launch, or the most that ever does.
  at(launch) {
    const living = (l) => this.rects.filter((r) => r.slot.first <= l && l <= r.slot.last);
    const sum = (l) => living(l).reduce((n, r) => n + r.bytes, 0n);
    this.cursor.style.display = launch === null ? 'none' : '';
    if (launch === null) {
      let most = 0n;
      for (let l = 0; l < this.steps; l++) { const n = sum(l); if (n > most) most = n; }
      this.note.textContent = 'at ' + this.app.values() + ': at most ' + bytesText(most) + ' live at a time' + (this.fitted ? ', in ' + bytesText(this.peak(this.slots)) : '');
      return;
    }
    const x = this.x(launch + 0.5);
    this.cursor.setAttribute('x1', x);
    this.cursor.setAttribute('x2', x);
    const group = this.graph.launches[launch];
    this.note.textContent = 'launch ' + launch + (group ? ' ' + group.name : ', the end') + ': ' + bytesText(sum(launch)) + ' in ' + count(living(launch).length, 'value');
  }

  found(e) { const g = e.target.closest && e.target.closest('.slot'); return g && this.rects.find((r) => r.g === g); }

  hover(e) {
    if (!this.svg || !this.svg.contains(e.target)) return;
    const px = e.clientX - this.svg.getBoundingClientRect().left;
    const launch = Math.floor(((px - this.pad.left) / (this.width - this.pad.left)) * this.steps);
    this.at(launch >= 0 && launch < this.steps ? launch : null);
    const r = this.found(e);
    this.app.hover(r && r.slot.node ? { node: r.slot.node } : null, this.column, e);
  }

  // light marks a value's rectangle.
  light(name) { for (const r of this.rects) r.g.classList.toggle('hot', r.slot.name === name); }
}
