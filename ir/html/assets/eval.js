// Sizes, as package dim and kernel.DType compute them: 64-bit integers, and null for what overflows or has no value.
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

function fits(n) { return n >= int64.min && n <= int64.max; }

// evalDim is the value of [offset, symbol, coefficient, ...] where env has BigInts by symbol.
function evalDim(dim, env) {
  let sum = dim[0];
  for (let i = 1; i < dim.length; i += 2) {
    if (!Object.hasOwn(env, dim[i])) return null;
    const product = dim[i + 1] * env[dim[i]];
    sum += product;
    if (!fits(product) || !fits(sum)) return null;
  }
  return sum;
}

// dimText prints a dim as Go does: P+S, 2*S-1, 512.
function dimText(dim) {
  let text = '';
  const signed = (n) => (n >= 0n && text ? '+' : '') + n;
  for (let i = 1; i < dim.length; i += 2) {
    const k = dim[i + 1];
    text += k === 1n ? (text ? '+' : '') : k === -1n ? '-' : signed(k) + '*';
    text += dim[i];
  }
  return dim[0] !== 0n || !text ? text + signed(dim[0]) : text;
}

// matrixBytes is the size of an array whose last axis is whole blocks and whose rows are padded to whole panels.
function matrixBytes(dtype, shape) {
  let rows = 1n;
  let elems = 1n;
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === null || shape[i] < 0n) return null;
    if (i === shape.length - 1) elems = shape[i];
    else rows *= shape[i];
  }
  if (elems % dtype.elems !== 0n) return null;
  const groups = (rows + dtype.rows - 1n) / dtype.rows;
  const size = groups * (elems / dtype.elems) * dtype.bytes;
  return fits(size) ? size : null;
}

// allowed reports that a bound [dim, relation, dim] holds.
function allowed(bound, env) {
  const l = evalDim(bound[0], env);
  const r = evalDim(bound[2], env);
  if (l === null || r === null) return false;
  return bound[1] === '<=' ? l <= r : bound[1] === '>=' ? l >= r : l === r;
}

// settle keeps the symbol that was moved and moves others to where the bounds hold, if one alone can do it; else it moves the symbol
// itself back to its nearest such place.
function settle(bounds, env, moved, symbols) {
  for (const name of [...Object.keys(env).filter((s) => s !== moved), moved]) {
    const broken = bounds.filter((b) => !allowed(b, env));
    if (broken.length === 0) return env;
    for (const b of broken) env = shifted(b, env, name, symbols);
  }
  return env;
}

// shifted is env with a symbol on the edge of a bound.
function shifted(bound, env, name, symbols) {
  const coef = (dim) => { const i = dim.indexOf(name, 1); return i < 0 ? 0n : dim[i + 1]; };
  const k = coef(bound[0]) - coef(bound[2]);
  const l = evalDim(bound[0], env);
  const r = evalDim(bound[2], env);
  if (k === 0n || l === null || r === null) return env;
  const gap = r - l;
  let step = gap / k;
  if (step * k !== gap && bound[1] !== '=') { // round to where the bound holds
    const up = (bound[1] === '>=') === (k > 0n);
    if (up && (gap > 0n) === (k > 0n)) step += 1n;
    if (!up && (gap > 0n) !== (k > 0n)) step -= 1n;
  }
  const limits = symbols.find((s) => s.name === name);
  let value = env[name] + step;
  if (limits && value < limits.min) value = limits.min;
  if (limits && value > limits.max) value = limits.max;
  return { ...env, [name]: value };
}

function bytesText(n) {
  if (n === null || n === undefined) return '?';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let v = Number(n);
  let u = 0;
  for (; v >= 1024 && u < units.length - 1; u++) v /= 1024;
  return (u === 0 ? String(v) : v.toFixed(1)) + ' ' + units[u];
}

function grouped(n) { return n === null ? '?' : String(n).replace(/\B(?=(\d{3})+$)/g, '\u202f'); }
