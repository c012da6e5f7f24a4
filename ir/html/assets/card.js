// What hovering over a value shows, and pinning keeps. All text is set as text: names are never markup.

// el makes an element: el('td.bad', {title: 'x'}, 'text', child).
function el(spec, attrs, ...children) {
  const [tag, ...classes] = spec.split('.');
  const e = document.createElement(tag);
  if (classes.length) e.className = classes.join(' ');
  for (const [k, v] of Object.entries(attrs || {})) {
    if (v === null || v === undefined || v === false) continue;
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else if (k.startsWith('--')) e.style.setProperty(k, v);
    else e.setAttribute(k, v === true ? '' : v);
  }
  return add(e, ...children);
}

// add appends children, of which some may be lists and some nothing.
function add(e, ...children) {
  e.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}

const svgNS = 'http://www.w3.org/2000/svg';

function svg(tag, attrs, ...children) {
  const e = document.createElementNS(svgNS, tag);
  for (const [k, v] of Object.entries(attrs || {})) {
    if (k.startsWith('--')) e.style.setProperty(k, v);
    else e.setAttribute(k, v);
  }
  e.append(...children);
  return e;
}

function sized(node, env) { return matrixBytes(node.type.dtype, shape(node.type, env)); }

function count(n, what) { return grouped(n) + ' ' + what + (n === 1 || n === 1n ? '' : 's'); }

// nodeCard describes a value of a graph. With links it names producers and consumers, too.
function nodeCard(app, graph, node, links) {
  const card = el('div.card', null, el('h3', null, node.name));
  for (const f of app.model.faults) {
    if (f.node === node.name) card.append(el('pre.faulttext', null, f.text));
  }
  const call = node.op.name + '(' + node.in.map((n) => n.split('.').at(-1)).join(', ') + ')' + (node.attrs ? ' {' + clipped(node.attrs, 160) + '}' : '');
  card.append(el('p.call', null, call), el('p.doc', null, node.op.doc));
  card.append(shapeTable(node, app.env));
  card.append(el('dl', null, facts(app, graph, node).flatMap(([k, v]) => [el('dt', null, k), el('dd', null, v)])));
  if (!links) return card;
  const producers = node.in.map((name) => graph.byName.get(name)).filter(Boolean);
  add(card, linkList(app, 'reads', producers), linkList(app, 'read by', graph.users.get(node.name) || []));
  const group = node.group;
  if (group && group.kernel) card.append(el('details', null, el('summary', null, 'kernel IR of ' + group.kernel.name), el('pre', null, group.kernel.text)));
  return card;
}

function clipped(text, most) { return text.length > most ? text.slice(0, most) + ' …' : text; }

function shapeTable(node, env) {
  const rows = node.type.axes.map((a) => {
    const text = dimText(a.dim);
    const value = evalDim(a.dim, env);
    return el('tr', null, el('th', { scope: 'row' }, a.name), el('td.expr', null, a.dim.length > 1 ? text : ''), el('td.num', null, grouped(value)));
  });
  return el('table.shape', null, el('tbody', null, rows));
}

function facts(app, graph, node) {
  const dims = shape(node.type, app.env);
  const elems = dims.includes(null) ? null : dims.reduce((a, b) => a * b, 1n);
  const list = [['type', (node.type.state ? 'state ' : '') + node.type.dtype.name + (node.type.from ? ' from ' + dimText(node.type.from) : '')],
    ['size', count(elems, 'element') + ', ' + bytesText(sized(node, app.env))]];
  const group = app.palette.groupOf(graph, node);
  if (group) {
    const launch = group.launch >= 0 ? ', launch ' + group.launch : '';
    list.push([node.group ? 'kernel' : 'will be in', group.name + ' (' + group.role + launch + ')']);
  }
  const slot = slotOf(graph, node);
  if (slot) list.push(['arena', 'offset ' + grouped(slot.offset) + ', ' + bytesText(slot.bytes) + ' of ' + slot.dtype.name + ', launches ' + slot.first + ' to ' + slot.last]);
  else if (memory(graph, node) !== 'own') list.push(['arena', { cache: 'none: it lies in a state, which it appends to', kernel: 'none: it never leaves its kernel', view: 'none of its own: the same memory under another shape' }[memory(graph, node)]]);
  if (node.pos !== '?') list.push(['declared', node.pos]);
  return list;
}

function slotOf(graph, node) {
  if (!graph.arena) return null;
  graph.slots = graph.slots || new Map(graph.arena.slots.map((s) => [s.name, s]));
  return graph.slots.get(node.name) || null;
}

// memory says where a value lies, once that is planned.
function memory(graph, node) {
  if (!graph.arena || !node.group || slotOf(graph, node)) return 'own';
  if (node.op.cls === 'state store') return 'cache';
  return node.group.role === 'view' ? 'view' : 'kernel';
}

function linkList(app, title, nodes) {
  if (nodes.length === 0) return null;
  const shown = nodes.slice(0, 24);
  const more = nodes.length > shown.length ? el('li', null, '… ' + (nodes.length - shown.length) + ' more') : null;
  return el('div.links', null, el('h4', null, title), el('ul', null, shown.map((n) => el('li', null, nodeLink(app, n.name))), more));
}

function nodeLink(app, name) {
  return el('a', { href: '#', onclick: (e) => { e.preventDefault(); app.show(name); } }, name);
}

// kernelCard describes a group.
function kernelCard(app, graph, group) {
  const card = el('div.card', null, el('h3', null, group.name),
    el('p.call', null, 'kernel, ' + group.role + (group.launch >= 0 ? ', launch ' + group.launch + ' of ' + graph.launches.length : '')),
    linkList(app, 'computes', group.nodes));
  if (group.kernel) {
    const same = graph.launches.filter((g) => g.kernel === group.kernel).length;
    card.append(el('p.doc', null, 'One kernel, launched ' + same + (same === 1 ? ' time.' : ' times.')), el('details', { open: true }, el('summary', null, 'kernel IR of ' + group.kernel.name), el('pre', null, group.kernel.text)));
  }
  return card;
}

// place puts a floating card beside a point, inside the window.
function place(box, x, y) {
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  box.style.left = Math.max(4, Math.min(x + 18, innerWidth - width - 8)) + 'px';
  box.style.top = Math.max(4, y + 18 + height > innerHeight ? y - height - 12 : y + 18) + 'px';
}
