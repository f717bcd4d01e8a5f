'use strict';
(() => {
  const content = document.getElementById('content'), live = document.querySelector('.live');
  const make = (tag, className, text = '') => Object.assign(document.createElement(tag), { className, textContent: text });
  const escaped = s => s.replace(/[&<>"]/g, c => '&#' + c.charCodeAt(0) + ';');
  const store = (key, value) => (value === undefined ? seen.get(key) : seen.set(key, value), value ?? seen.get(key));
  const seen = new Map(); // what the reader chose, which outlives updates of a live page

  const tip = make('div', 'tip');
  tip.hidden = true;
  document.body.append(tip);
  let shown = null; // the chart that the tip is about, and its x

  // Data of a chart: its curves in the unit chosen, smoothed, within the zoom.
  const parsed = new WeakMap();
  let clocks = [];
  function data(chart) {
    if (!parsed.has(chart)) parsed.set(chart, JSON.parse(chart.querySelector('script').textContent));
    return parsed.get(chart);
  }
  function nearest(xs, x) {
    let lo = 0, hi = xs.length - 1;
    while (hi - lo > 1) {
      const mid = (lo + hi) >> 1;
      if (xs[mid] < x) lo = mid; else hi = mid;
    }
    return Math.abs(xs[lo] - x) <= Math.abs(xs[hi] - x) ? lo : hi;
  }
  function seconds(clock, x) {
    let lo = 0, hi = clock.x.length - 1;
    while (hi - lo > 1) {
      const mid = (lo + hi) >> 1;
      if (clock.x[mid] <= x) lo = mid; else hi = mid;
    }
    const span = clock.x[hi] - clock.x[lo];
    return span === 0 ? clock.t[lo] : clock.t[lo] + (clock.t[hi] - clock.t[lo]) * (x - clock.x[lo]) / span;
  }
  const labels = { iteration: 'iteration', samples: 'samples gone over', seconds: 'seconds of training' };
  const unitOf = d => d.clocked ? store('unit') || 'iteration' : '';
  function inUnit(s, unit) {
    const clock = clocks[s.run];
    if (unit === 'seconds') return s.x.map(v => seconds(clock, v));
    return unit === 'samples' ? s.x.map(v => v * clock.n) : s.x;
  }
  // smooth is an exponential moving average, without the pull to 0 of its start.
  function smooth(ys, share) {
    let sum = 0, weight = 0;
    return ys.map(y => y === null ? y : (sum = share * sum + (1 - share) * y, weight = share * weight + 1 - share, sum / weight));
  }
  function curvesOf(chart) {
    const d = data(chart), unit = unitOf(d), share = d.clocked ? store('smoothing') || 0 : 0, off = store(chart.dataset.key + ' off') || new Set();
    return d.series.filter(s => s.x.length && !off.has(s.name)).map(s => {
      const x = inUnit(s, unit);
      return { ...s, x, raw: s.y, y: share && !s.dots ? smooth(s.y, share) : s.y, smoothed: share > 0 && !s.dots };
    });
  }

  // Scales and their ticks.
  const log10 = Math.log10, pow10 = e => Number('1e' + e);
  function scale(lo, hi, log, a, b) {
    const f = log ? Math.log : v => v, back = log ? Math.exp : v => v;
    return { lo, hi, log, a, b, at: v => a + (b - a) * (f(v) - f(lo)) / (f(hi) - f(lo)), value: px => back(f(lo) + (px - a) / (b - a) * (f(hi) - f(lo))) };
  }
  function extent(values, log) {
    let lo = Infinity, hi = -Infinity;
    for (const v of values) if (Number.isFinite(v) && (!log || v > 0)) { if (v < lo) lo = v; if (v > hi) hi = v; }
    return lo > hi ? [1, 10] : [lo, hi];
  }
  function padded([lo, hi], log) {
    if (log) {
      const f = hi / lo < 2 ? 1.5 : (hi / lo) ** 0.05;
      return [lo / f, hi * f];
    }
    if (lo === hi) return [lo - 0.5, hi + 0.5];
    const pad = 0.05 * (hi - lo);
    return [lo >= 0 ? Math.max(0, lo - pad) : lo - pad, hi + pad];
  }
  function linearTicks(lo, hi, n) {
    const raw = (hi - lo) / n, power = 10 ** Math.floor(log10(raw)), step = power * [1, 2, 5, 10].find(m => m * power >= raw * 0.999999), ticks = [];
    for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + 1e-9 * step; k++) ticks.push(k * step);
    return ticks;
  }
  function ticks(s, n) {
    if (!s.log) return linearTicks(s.lo, s.hi, n);
    const spread = log10(s.hi / s.lo), first = Math.floor(log10(s.lo)), last = Math.ceil(log10(s.hi)), every = Math.max(1, Math.ceil((last - first) / n));
    if (spread < 0.6) return linearTicks(s.lo, s.hi, n);
    const mantissas = spread < 1.2 ? [1, 2, 3, 5, 7] : spread < 2.2 ? [1, 2, 5] : [1], list = [];
    for (let e = first; e <= last; e++) if (e % every === 0) for (const m of mantissas) list.push(m * pow10(e));
    return list.filter(v => v >= s.lo && v <= s.hi);
  }
  const raised = n => [...String(n)].map(c => c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[c]).join('');
  function tickText(v) {
    const m = Math.abs(v);
    if (v === 0 || m >= 1e-3 && m < 1e5) return String(Number(v.toPrecision(10)));
    const e = Math.floor(log10(m) + 1e-9), mantissa = Number((v / 10 ** e).toPrecision(3));
    return (mantissa === 1 ? '' : mantissa + '·') + '10' + raised(e);
  }
  function text(v) {
    const m = Math.abs(v);
    return m !== 0 && (m < 1e-3 || m >= 1e6) ? v.toExponential(3) : String(Number(v.toPrecision(5)));
  }

  // Drawing.
  const markers = ['m3.4 0a3.4 3.4 0 1 1-6.8 0a3.4 3.4 0 1 1 6.8 0', 'm-3.4-3.4h6.8v6.8h-6.8z', 'm0-4.2l3.9 7.6h-7.8z', 'm0-4.8l4 4.8l-4 4.8l-4-4.8z',
    'm-4.4-1.2h3.2v-3.2h2.4v3.2h3.2v2.4h-3.2v3.2h-2.4v-3.2h-3.2z', 'm0 4.2l3.9-7.6h-7.8z'];
  const px = v => Number(v.toFixed(1));
  function path(x, y, xs, ys) {
    let d = '', pen = 'M';
    for (let i = 0; i < xs.length; i++) {
      if (!Number.isFinite(ys[i]) || y.log && !(ys[i] > 0)) { pen = 'M'; continue; }
      d += pen + px(x.at(xs[i])) + ' ' + px(y.at(ys[i]));
      pen = 'L';
    }
    return d;
  }
  function marks(s, x, y) {
    let d = '', next = x.a + 46 * (0.37 * s.style % 1);
    for (let i = 0; i < s.x.length; i++) {
      const at = x.at(s.x[i]);
      if (at < x.a || at > x.b || y.log && !(s.y[i] > 0) || at < next && s.x.length > 1 && !s.dots) continue;
      d += `M${px(at)} ${px(y.at(s.y[i]))}` + (s.dots ? 'm2.5 0a2.5 2.5 0 1 1-5 0a2.5 2.5 0 1 1 5 0' : markers[s.marker]);
      next = at + 46;
    }
    return d;
  }
  // within are the points of the zoom, with one on each side so that lines go on to the edge.
  function within(s, lo, hi) {
    let a = s.x.findIndex(v => v >= lo), b = s.x.findLastIndex(v => v <= hi);
    if (a < 0 || b < 0) return null;
    a = Math.max(0, a - 1);
    b = Math.min(s.x.length, b + 2);
    const cut = v => v && v.slice(a, b);
    return { ...s, x: cut(s.x), y: cut(s.y), raw: cut(s.raw), low: cut(s.low), high: cut(s.high) };
  }
  function layout(chart) {
    const d = data(chart), key = chart.dataset.key, unit = unitOf(d), width = Math.max(220, chart.clientWidth - 14), height = Math.round(Math.min(300, Math.max(200, 0.6 * width)));
    const log = store(key + ' log') ?? d.yLog, zoom = store(key + ' zoom');
    let curves = curvesOf(chart);
    let [lo, hi] = extent(curves.flatMap(s => s.x));
    if (lo === hi) [lo, hi] = [lo - 0.5, hi + 0.5];
    if (zoom && zoom.unit === unit) {
      [lo, hi] = [zoom.lo, zoom.hi];
      curves = curves.map(s => within(s, lo, hi)).filter(s => s);
    }
    const levels = zoom ? [] : d.levels.map(l => l.y);
    const [bottom, top] = padded(extent(curves.flatMap(s => [...s.y, ...(s.smoothed ? s.raw : []), ...(s.low || []), ...(s.high || [])]).concat(levels), log), log);
    const y = scale(bottom, top, log, height - 38, 8), names = ticks(y, Math.max(3, Math.round(height / 48)));
    const left = 26 + 6.6 * Math.max(...names.map(v => tickText(v).replace(/[⁰-⁹⁻¹²³·.]/g, ',').replace(/,/g, '').length + 0.6 * (tickText(v).match(/[⁰-⁹⁻¹²³·.]/g) || []).length), 1);
    return { d, unit, width, height, log, curves, y, names, x: scale(lo, hi, false, left, width - 8), zoomed: Boolean(zoom && zoom.unit === unit) };
  }
  function draw(chart) {
    const l = layout(chart), { d, x, y } = l, several = l.curves.filter(s => s.name).length > 1, out = [];
    const xLabel = l.unit ? labels[l.unit] : d.xLabel, inner = [px(x.a - 2), y.b - 5, px(x.b - x.a + 7), y.a - y.b + 6];
    for (const v of l.names) out.push(`<path class="l grid" d="M${px(x.a)} ${px(y.at(v))}H${px(x.b)}"/><text class="f muted" text-anchor="end" x="${px(x.a - 6)}" y="${px(y.at(v) + 4)}">${tickText(v)}</text>`);
    let free = -Infinity;
    for (const v of ticks(x, Math.max(3, Math.round(l.width / 75)))) {
      const at = x.at(v), half = 3.5 * tickText(v).length;
      out.push(`<path class="l muted" d="M${px(at)} ${y.a}v4"/>`);
      if (at - half > free && at + half < l.width + 4) { out.push(`<text class="f muted" text-anchor="middle" x="${px(at)}" y="${y.a + 17}">${tickText(v)}</text>`); free = at + half + 5; }
    }
    out.push(`<path class="l muted" d="M${px(x.a)} ${y.b}V${y.a}H${px(x.b)}"/><text class="f ink" text-anchor="middle" x="${px((x.a + x.b) / 2)}" y="${y.a + 33}">${escaped(xLabel)}</text>`,
      `<text class="f ink" text-anchor="middle" transform="rotate(-90 12 ${(y.a + y.b) / 2})" x="12" y="${(y.a + y.b) / 2}">${escaped(d.yLabel)}</text>`,
      `<svg x="${inner[0]}" y="${inner[1]}" width="${inner[2]}" height="${inner[3]}" viewBox="${inner.join(' ')}">`);
    for (const v of d.levels) if (v.y >= y.lo && v.y <= y.hi) out.push(`<path class="l muted d7" d="M${px(x.a)} ${px(y.at(v.y))}H${px(x.b)}"/>`);
    for (const s of l.curves) {
      if (s.low) out.push(`<path class="f band s${s.ink}" d="${path(x, y, s.x, s.high)}${path(x, y, s.x.toReversed(), s.low.toReversed()).replace('M', 'L')}Z"/>`);
      if (s.smoothed) out.push(`<path class="l raw s${s.ink}" d="${path(x, y, s.x, s.raw)}"/>`);
      if (!s.dots) out.push(`<path class="l c s${s.ink} d${s.dash}" d="${path(x, y, s.x, s.y)}"/>`);
      if (several || s.dots || s.x.length === 1) out.push(`<path class="f s${s.ink}${s.dots ? ' dots' : ''}" d="${marks(s, x, y)}"/>`);
    }
    const box = chart.querySelector('.plot');
    box.innerHTML = `<svg viewBox="0 0 ${l.width} ${l.height}" width="${l.width}" height="${l.height}" role="img" aria-label="${escaped(d.title + ': ' + d.yLabel + ' against ' + xLabel)}">${out.join('')}</svg></svg>`;
    const log = chart.querySelector('.log');
    if (log) log.setAttribute('aria-pressed', l.log);
    chart.querySelector('.whole').hidden = !l.zoomed;
    Object.assign(chart, { drawn: l });
  }

  // What is around a chart: its head with buttons, and its legend.
  function button(className, label, does, title) {
    const b = make('button', className, label);
    b.type = 'button';
    if (title) b.title = title;
    b.addEventListener('click', does);
    return b;
  }
  function dress(chart) {
    const d = data(chart), key = chart.dataset.key, head = make('div', 'head');
    head.append(make('b', '', d.title));
    head.append(button('tool whole', 'whole', () => { seen.delete(key + ' zoom'); draw(chart); }, 'show all of it again'));
    if (d.series.some(s => s.y.some(v => v > 0))) head.append(button('tool log', 'log', () => { store(key + ' log', !(store(key + ' log') ?? d.yLog)); draw(chart); }, 'logarithmic axis'));
    head.append(button('tool', 'CSV', () => save(chart), 'what is drawn, as a file'));
    chart.prepend(head, make('div', 'plot'));
  }
  const keyOf = s => `<svg width="26" height="12" aria-hidden="true"><path class="l c s${s.ink} d${s.dash}" d="M1 6H25"/><path class="f s${s.ink}" d="M13 6${s.dots ? 'm2.5 0a2.5 2.5 0 1 1-5 0a2.5 2.5 0 1 1 5 0' : markers[s.marker]}"/></svg>`;
  // A legend of many curves has those of a kind in a row, behind a button for all of them.
  function legend(charts, before) {
    const box = make('div', 'legend'), keys = new Map(), kinds = new Map();
    const off = c => store(c.dataset.key + ' off') || store(c.dataset.key + ' off', new Set()), shows = name => !off(charts[0]).has(name);
    const toggle = names => () => {
      const hide = names.some(shows);
      for (const c of charts) {
        for (const n of names) if (hide) off(c).add(n); else off(c).delete(n);
        draw(c);
      }
      pressed();
    };
    for (const chart of charts) for (const s of data(chart).series) {
      if (!s.name || keys.has(s.name)) continue;
      const zero = charts.length === 1 && data(chart).yLog && s.y.every(v => v === 0) ? ': 0' : '';
      const b = button('key', '', toggle([s.name]), 'show or hide');
      b.innerHTML = keyOf(s) + escaped(s.name + zero);
      keys.set(s.name, b);
      kinds.set(s.kind || '', [...(kinds.get(s.kind || '') || []), s.name]);
    }
    const several = kinds.size > 1 && keys.size > 8, heads = [];
    for (const [kind, names] of several ? kinds : [['', [...keys.keys()]]]) {
      const row = several ? box.appendChild(make('div', 'kind')) : box;
      if (several) {
        const b = button('key all', kind || 'others', toggle(names), 'show or hide all of these');
        heads.push([b, names]);
        row.append(b);
      }
      row.append(...names.map(n => keys.get(n)));
    }
    function pressed() {
      for (const [name, b] of keys) b.setAttribute('aria-pressed', shows(name));
      for (const [b, names] of heads) b.setAttribute('aria-pressed', names.some(shows));
    }
    pressed();
    for (const v of charts.length === 1 ? data(charts[0]).levels : []) {
      const e = make('span', 'key');
      e.innerHTML = '<svg width="26" height="12" aria-hidden="true"><path class="l muted d7" d="M1 6H25"/></svg>' + escaped(v.label);
      box.append(e);
    }
    if (box.childElementCount) before.before(box);
  }
  function save(chart) {
    const d = data(chart), l = chart.drawn, rows = [['series', l.unit ? labels[l.unit] : d.xLabel, d.yLabel, ...(l.curves.some(s => s.smoothed) ? ['smoothed'] : []), ...(l.curves.some(s => s.low) ? ['lowest', 'highest'] : [])]];
    for (const s of l.curves) s.x.forEach((x, i) => {
      if (x >= l.x.lo && x <= l.x.hi) rows.push([s.name, x, s.raw[i], ...(s.smoothed ? [s.y[i]] : []), ...(s.low ? [s.low[i], s.high[i]] : [])]);
    });
    const quoted = v => /[",\n]/.test(v) ? '"' + String(v).replaceAll('"', '""') + '"' : v;
    const a = make('a', '');
    a.href = URL.createObjectURL(new Blob([rows.map(r => r.map(quoted).join(',') + '\n').join('')], { type: 'text/csv' }));
    a.download = (document.title + ' ' + d.title).replace(/[^\p{L}\p{N}]+/gu, '-') + '.csv';
    a.click();
    URL.revokeObjectURL(a.href);
  }

  // Values under the pointer, or by the keyboard.
  function clear() {
    document.querySelectorAll('.hover').forEach(e => e.remove());
    tip.hidden = true;
    shown = null;
  }
  function place(clientX, clientY) {
    tip.hidden = false;
    const w = tip.offsetWidth, h = tip.offsetHeight, wide = document.documentElement.clientWidth;
    tip.style.left = Math.max(4, clientX + 16 + w > wide ? clientX - 16 - w : clientX + 16) + 'px';
    tip.style.top = Math.max(4, Math.min(clientY - h / 2, innerHeight - h - 4)) + 'px';
  }
  function show(chart, at, clientX, clientY) {
    clear();
    const l = chart.drawn, curves = l.curves;
    if (!curves.length) return;
    let x = Infinity;
    for (const s of curves) {
      const v = s.x[nearest(s.x, at)];
      if (Math.abs(v - at) < Math.abs(x - at)) x = v;
    }
    let marked = `<path class="hair" d="M${px(l.x.at(x))} ${l.y.b}V${l.y.a}"/>`;
    const gap = 0.02 * (l.x.hi - l.x.lo);
    tip.replaceChildren(make('b', '', (l.unit ? labels[l.unit] : l.d.xLabel) + ' ' + text(x)));
    for (const s of curves) {
      const i = nearest(s.x, x);
      if (s.x[i] !== x && Math.abs(s.x[i] - x) > gap) continue;
      if (!l.y.log || s.y[i] > 0) marked += `<circle class="dot s${s.ink}" cx="${px(l.x.at(s.x[i]))}" cy="${px(l.y.at(s.y[i]))}" r="4"/>`;
      const row = make('span', '');
      row.append(make('i', 's' + s.ink, s.name || l.d.yLabel), text(s.y[i]) + (s.smoothed ? ` (${text(s.raw[i])})` : '') + (s.low ? ` (${text(s.low[i])} to ${text(s.high[i])})` : ''));
      tip.append(row);
    }
    const g = document.createElementNS('http://www.w3.org/2000/svg', 'g');
    g.setAttribute('class', 'hover');
    g.innerHTML = marked;
    chart.querySelector('.plot svg').append(g);
    place(clientX, clientY);
    shown = { chart, x };
  }
  // A cell of a matrix shows the samples that are counted in it.
  function showCell(cell) {
    clear();
    const box = cell.getBoundingClientRect();
    tip.replaceChildren(make('b', '', cell.dataset.about));
    const pictures = cell.dataset.of ? content.querySelectorAll(`[data-of="${cell.dataset.of}"] img`) : [];
    for (const p of pictures) tip.append(p.cloneNode());
    place(box.right, box.top + box.height / 2);
  }
  let drag = null;
  const xAt = (chart, clientX) => {
    const box = chart.querySelector('.plot svg').getBoundingClientRect();
    return Math.min(chart.drawn.x.hi, Math.max(chart.drawn.x.lo, chart.drawn.x.value(clientX - box.left)));
  };
  const plotOf = target => target.closest && target.closest('.plot') ? target.closest('.chart') : null;
  function zoomTo(chart, lo, hi) {
    clear();
    store(chart.dataset.key + ' zoom', { unit: chart.drawn.unit, lo, hi });
    draw(chart);
  }
  document.addEventListener('pointermove', event => {
    const cell = event.target.closest && event.target.closest('[data-about]');
    if (cell) return showCell(cell);
    const chart = drag ? drag.chart : plotOf(event.target);
    if (!chart || !chart.drawn) return clear();
    show(chart, xAt(chart, event.clientX), event.clientX, event.clientY);
    if (!drag || Math.abs(event.clientX - drag.from) < 6) return;
    const l = chart.drawn, [a, b] = [drag.x, xAt(chart, event.clientX)].map(v => l.x.at(v)).sort((p, q) => p - q);
    const g = chart.querySelector('.hover');
    if (g) g.insertAdjacentHTML('afterbegin', `<path class="brush" d="M${px(a)} ${l.y.a}V${l.y.b}H${px(b)}V${l.y.a}Z"/>`);
  });
  document.addEventListener('pointerdown', event => {
    const chart = plotOf(event.target);
    if (!chart || !chart.drawn || event.button) return;
    drag = { chart, from: event.clientX, x: xAt(chart, event.clientX) };
    show(chart, drag.x, event.clientX, event.clientY);
  });
  document.addEventListener('pointerup', event => {
    const d = drag;
    drag = null;
    if (!d || Math.abs(event.clientX - d.from) < 6) return;
    const x = xAt(d.chart, event.clientX);
    zoomTo(d.chart, Math.min(x, d.x), Math.max(x, d.x));
  });
  document.addEventListener('pointercancel', () => { drag = null; });
  document.addEventListener('dblclick', event => {
    const chart = plotOf(event.target);
    if (!chart) return;
    seen.delete(chart.dataset.key + ' zoom');
    draw(chart);
  });
  document.addEventListener('scroll', () => { // reaching a cell by keyboard scrolls to it
    const e = document.activeElement;
    if (e.matches('[data-about]')) showCell(e); else clear();
  }, { passive: true });
  document.addEventListener('focusin', event => {
    if (event.target.matches('[data-about]')) showCell(event.target);
  });
  document.addEventListener('focusout', clear);
  document.addEventListener('keydown', event => {
    const chart = document.activeElement;
    if (event.key === 'Escape') return clear();
    if (!chart.classList.contains('chart') || !chart.drawn) return;
    const l = chart.drawn, x = shown && shown.chart === chart ? shown.x : (l.x.lo + l.x.hi) / 2, by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === '+') return zoomTo(chart, (x + l.x.lo) / 2, (x + l.x.hi) / 2);
    if (event.key === '0') { clear(); seen.delete(chart.dataset.key + ' zoom'); return draw(chart); }
    if (!by) return;
    event.preventDefault();
    const xs = [...new Set(l.curves.flatMap(s => s.x))].sort((a, b) => a - b).filter(v => v >= l.x.lo && v <= l.x.hi);
    if (!xs.length) return;
    const i = shown && shown.chart === chart ? nearest(xs, shown.x) + by : by > 0 ? 0 : xs.length - 1;
    const to = xs[Math.min(xs.length - 1, Math.max(0, i))], box = chart.querySelector('.plot svg').getBoundingClientRect();
    show(chart, to, box.left + l.x.at(to), box.top + box.height / 2);
  });

  // The controls of all charts, and tables that are sorted by a click.
  const tools = make('div', 'tools');
  tools.innerHTML = '<label>against <select><option value="iteration">iterations (epochs)</option><option value="samples">samples gone over</option><option value="seconds">seconds of training</option></select></label>'
    + '<label>smoothing <input type="range" min="0" max="0.98" step="0.02" value="0"> <output>0</output></label><span class="note">Drag across a chart to zoom in; + and 0 do so by keyboard.</span>';
  const redraw = () => content.querySelectorAll('.chart').forEach(draw);
  tools.querySelector('select').addEventListener('change', event => { store('unit', event.target.value); redraw(); });
  tools.querySelector('input').addEventListener('input', event => {
    store('smoothing', Number(event.target.value));
    tools.querySelector('output').textContent = event.target.value;
    redraw();
  });
  function sort(table, column, down) {
    const body = table.tBodies[0], cell = r => r.cells[column].textContent.trim();
    const number = t => parseFloat(t.replace('−', '-')), numeric = [...body.rows].every(r => cell(r) === '' || cell(r) === '–' || !Number.isNaN(number(cell(r))));
    const compare = (a, b) => {
      const [s, t] = [cell(a), cell(b)], empty = v => v === '' || v === '–';
      if (empty(s) || empty(t)) return empty(s) - empty(t);
      return (down ? -1 : 1) * (numeric ? number(s) - number(t) : s.localeCompare(t));
    };
    body.append(...[...body.rows].sort(compare));
    [...table.tHead.rows[0].cells].forEach((h, i) => { if (i === column) h.ariaSort = down ? 'descending' : 'ascending'; else h.removeAttribute('aria-sort'); });
  }
  function sortable(table) {
    const key = 'sort ' + table.id, heads = [...table.tHead.rows[0].cells];
    heads.forEach((h, i) => {
      if (!h.textContent) return;
      const b = button('by', h.textContent, () => {
        const down = h.ariaSort ? h.ariaSort === 'ascending' : h.classList.contains('n');
        store(key, [i, down]);
        sort(table, i, down);
      });
      h.replaceChildren(b);
    });
    if (store(key)) sort(table, ...store(key));
  }

  function begin(first) {
    const c = content.querySelector('script.clocks');
    clocks = c ? JSON.parse(c.textContent) : [];
    const charts = [...content.querySelectorAll('.chart')];
    if (charts.some(c => data(c).clocked)) {
      tools.querySelector('[value=samples]').hidden = tools.querySelector('[value=samples]').disabled = clocks.some(c => !c.n);
      charts.find(c => data(c).clocked).closest('figure').before(tools);
    }
    for (const figure of content.querySelectorAll('figure')) {
      const own = [...figure.querySelectorAll('.chart')], names = own.map(c => data(c).series.map(s => s.name).filter(n => n).join('\n'));
      own.forEach(dress);
      if (own.length > 1 && names[0] && names.every(n => n === names[0]) && own.every(c => !data(c).levels.length)) legend(own, figure.querySelector('.charts'));
      else own.forEach(c => legend([c], c.querySelector('.plot')));
    }
    content.querySelectorAll('table.sortable').forEach(sortable);
    const later = c => first && c.getBoundingClientRect().top > innerHeight; // until the page shows
    charts.filter(c => !later(c)).forEach(draw);
    setTimeout(() => charts.filter(c => !c.drawn && c.isConnected).forEach(draw));
  }
  let width = content.clientWidth;
  addEventListener('resize', () => {
    if (content.clientWidth === width) return;
    width = content.clientWidth;
    redraw();
  });
  begin(true);

  // A live page asks for what is new.
  if (!live) return;
  let tag = live.dataset.tag, changed = Date.now();
  function state() {
    const ended = content.querySelector('[data-ended]'), idle = Date.now() - changed;
    live.classList.toggle('lost', !ended && idle > 60000);
    if (ended) return '■ the run has ended: ' + ended.dataset.ended;
    return idle > 60000 ? `○ following; nothing new for ${Math.round(idle / 60000)} min` : '● following';
  }
  async function poll() {
    try {
      const r = await fetch('content' + location.search, { cache: 'no-store', headers: { 'If-None-Match': tag } });
      if (r.status === 200) {
        const body = await r.text(), chosen = new Set([...content.querySelectorAll('input:checked')].map(e => e.value)), top = scrollY;
        tag = r.headers.get('ETag');
        clear();
        content.innerHTML = body;
        content.querySelectorAll('input').forEach(e => { e.checked = chosen.has(e.value); });
        document.title = content.querySelector('h1').textContent;
        begin();
        scrollTo(0, top);
      } else if (r.status !== 304) {
        throw new Error(await r.text());
      }
      changed = Date.parse(r.headers.get('Last-Modified')) || Date.now();
      live.textContent = state();
    } catch (e) {
      live.textContent = '○ no answer from dlam; what is shown is the last known state';
      live.classList.add('lost');
    }
    setTimeout(poll, document.hidden ? 5000 : 1000);
  }
  live.textContent = state();
  setTimeout(poll, 1000);
})();
