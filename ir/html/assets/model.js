// The page's data with its tables looked up, and how the layers of a graph fold.

function readModel(data) {
  const big = (row) => row.map((v, i) => (i % 2 === 0 ? BigInt(v) : v));
  const str = data.strings;
  const dims = data.dims.map(big);
  const dtypes = data.dtypes.map(([name, elems, rows, bytes]) => ({ name, elems: BigInt(elems), rows: BigInt(rows), bytes: BigInt(bytes) }));
  const ops = data.ops.map(([name, cls, source, doc, args]) => ({ name, cls, source, doc, args }));
  const types = (data.types || []).map((row, id) => {
    const axes = [];
    for (let i = 3; i < row.length; i += 2) axes.push({ name: str[row[i]], dim: dims[row[i + 1]] });
    return { id, dtype: dtypes[row[0]], state: row[1] === 1, from: row[2] < 0 ? null : dims[row[2]], axes };
  });
  const model = { str, dims, dtypes, ops, types, data, title: data.title, faults: data.faults };
  model.symbols = (data.symbols || []).map((s) => ({ ...s, min: BigInt(s.min), max: BigInt(s.max), value: BigInt(s.value) }));
  model.kernels = (data.kernels || []).map(([name, text]) => ({ name: str[name], text: str[text] }));
  model.stages = (data.stages || []).map((s) => ({ name: s.name, doc: s.doc, graphs: s.graphs.map((g) => lazyGraph(model, g, s)) }));
  return model;
}

// lazyGraph decodes a graph when it is first looked at.
function lazyGraph(model, g, stage) {
  let graph = null;
  return {
    name: model.str.length ? model.data.bodies[g.body].name : '',
    get graph() { return (graph = graph || readGraph(model, g, stage)); },
  };
}

function readGraph(model, g, stage) {
  const { str, data, dims, types, ops, dtypes } = model;
  const body = data.bodies[g.body];
  const graph = { name: body.name, stage: stage.name, nodes: [], byName: new Map(), users: new Map(), groups: [], launches: [], arena: null };
  graph.bounds = body.bounds.map(([l, rel, r]) => [dims[l], rel, dims[r]]);
  graph.outputs = new Set(body.outputs.map((s) => str[s]));
  for (let i = 0; i < body.nodes.length; i += 2) {
    for (let k = 0; k < body.nodes[i + 1]; k++) {
      const row = data.nodes[body.nodes[i] + k];
      const node = { id: body.nodes[i] + k, name: str[row[0]], op: ops[row[1]], type: types[row[2]], attrs: str[row[3]], pos: str[row[4]], in: row.slice(5).map((s) => str[s]), group: null };
      graph.nodes.push(node);
      if (!graph.byName.has(node.name)) graph.byName.set(node.name, node);
    }
  }
  for (const n of graph.nodes) {
    for (const name of n.in) {
      if (!graph.users.has(name)) graph.users.set(name, []);
      if (!graph.users.get(name).includes(n)) graph.users.get(name).push(n);
    }
  }
  graph.groups = body.groups.map(([name, role, first, length]) => {
    const group = { name: str[name], role: str[role], nodes: graph.nodes.slice(first, first + length), launch: -1, kernel: null };
    for (const n of group.nodes) n.group = group;
    return group;
  });
  graph.launches = (g.launches || []).map(([group, kernel], i) => {
    Object.assign(graph.groups[group], { launch: i, kernel: model.kernels[kernel] });
    return graph.groups[group];
  });
  if (g.arena) {
    graph.arena = { bytes: BigInt(g.arena.bytes), sum: BigInt(g.arena.sum) };
    graph.arena.slots = g.arena.slots.map(([name, dtype, offset, bytes, first, last]) => (
      { name: str[name], node: graph.byName.get(str[name]), dtype: dtypes[dtype], offset: BigInt(offset), bytes: BigInt(bytes), first, last }));
  }
  return graph;
}

// layerOf splits "layers.3.attn.q" into its family, number and the rest; null outside of layers.
function layerOf(name) {
  const m = /^(.*?)\.(\d+)\.(.+)$/.exec(name);
  return m && { family: m[1], index: Number(m[2]), rel: m[3] };
}

function relative(name) { const l = layerOf(name); return l ? l.rel : name; }

// items are what a graph is drawn as: groups, and nodes in none.
function items(graph) {
  const list = [];
  for (const n of graph.nodes) {
    if (!n.group) list.push({ name: n.name, group: null, nodes: [n] });
    else if (n.group.nodes[0] === n) list.push({ name: n.group.name, group: n.group, nodes: n.group.nodes });
  }
  return list;
}

// sections are a graph from top to bottom: what layers need, the layers, what follows. Layers that are alike are one section.
function sections(graph) {
  const feeds = feedsLayers(graph);
  const before = { kind: 'values', title: 'inputs', items: [] };
  const after = { kind: 'values', title: 'outputs', items: [] };
  const layers = new Map();
  for (const item of items(graph)) {
    const l = layerOf(item.name);
    if (!l) (item.nodes.some((n) => feeds.has(n.name)) ? before : after).items.push(item);
    else {
      const key = l.family + '.' + l.index;
      if (!layers.has(key)) layers.set(key, { family: l.family, index: l.index, items: [] });
      layers.get(key).items.push(item);
    }
  }
  if (layers.size === 0) after.title = 'values';
  const alike = new Map();
  for (const layer of layers.values()) {
    const key = layer.family + ' ' + signature(graph, layer);
    if (!alike.has(key)) alike.set(key, { kind: 'layers', family: layer.family, layers: [] });
    alike.get(key).layers.push(layer);
  }
  return [before, ...alike.values(), after].filter((s) => s.kind === 'layers' || s.items.length > 0);
}

// feedsLayers are the names outside of layers that one needs.
function feedsLayers(graph) {
  const feeds = new Set();
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const n = graph.nodes[i];
    if (layerOf(n.name) || feeds.has(n.name)) {
      const todo = [...n.in];
      while (todo.length) {
        const name = todo.pop();
        if (layerOf(name) || feeds.has(name)) continue;
        feeds.add(name);
        const p = graph.byName.get(name);
        if (p) todo.push(...p.in);
      }
    }
  }
  return feeds;
}

// signature is equal for layers that differ in their number alone. What a layer reads of the one before, or alone of all layers,
// is the stream that comes in.
function signature(graph, layer) {
  const mine = layer.family + '.' + layer.index + '.';
  const token = (name) => {
    if (name.startsWith(mine)) return name.slice(mine.length);
    const l = layerOf(name);
    if (l) return '<' + (l.family === layer.family ? l.index - layer.index + 1 : name);
    const readers = (graph.users.get(name) || []).map((u) => layerOf(u.name)).filter(Boolean);
    return readers.every((r) => r.index === layer.index) ? '<0' : name;
  };
  const parts = layer.items.map((item) => [
    item.group && [relative(item.group.name), item.group.role, item.group.kernel && item.group.kernel.name],
    item.nodes.map((n) => [relative(n.name), n.op.name, n.attrs, n.type.id, n.in.map(token)]),
  ]);
  return JSON.stringify(parts);
}

// numbers prints the numbers of layers: 0–20, or 0, 2, 4, …
function numbers(layers) {
  const is = layers.map((l) => l.index);
  if (is.length > 1 && is[is.length - 1] - is[0] === is.length - 1) return is[0] + '–' + is[is.length - 1];
  return is.length > 4 ? is.slice(0, 3).join(', ') + ', … ' + is[is.length - 1] : is.join(', ');
}

// shape is a type's extents for the symbols' values.
function shape(type, env) { return type.axes.map((a) => evalDim(a.dim, env)); }

function typeText(type) {
  const axes = type.axes.map((a) => a.name + '=' + dimText(a.dim)).join(', ');
  return (type.state ? 'state ' : '') + type.dtype.name + '[' + axes + ']' + (type.from ? ' from ' + dimText(type.from) : '');
}

// palette gives each kernel a hue, the same in every layer, graph and stage: that of the place of its name among all of them.
// A node that is not fused yet has the hue of the kernel that it will be part of.
function palette(model) {
  const hues = new Map();
  const later = [new Map(), new Map()]; // by graph and node, by node
  const fused = model.stages.filter((s) => s.graphs.some((g) => g.graph.groups.length > 0)).at(-1);
  for (const g of fused ? fused.graphs : []) {
    for (const group of g.graph.groups) {
      const rel = relative(group.name);
      if (group.role !== 'view' && !hues.has(rel)) hues.set(rel, Math.round((hues.size * 137.508 + 210) % 360));
      for (const n of group.nodes) {
        later[0].set(g.name + ' ' + n.name, group);
        later[1].set(n.name, group);
      }
    }
  }
  const groupOf = (graph, node) => node.group || later[0].get(graph.name + ' ' + node.name) || later[1].get(node.name) || null;
  return { groupOf, hue: (group) => (group && hues.has(relative(group.name)) ? hues.get(relative(group.name)) : null) };
}
