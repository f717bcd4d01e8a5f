'use strict';
(() => {
  const NS = 'http://www.w3.org/2000/svg';
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  document.body.append(tip);
  const parsed = new WeakMap();
  let shown = null; // the chart that the tip is about, and its x

  function data(chart) {
    if (!parsed.has(chart)) parsed.set(chart, JSON.parse(chart.querySelector('script').textContent));
    return parsed.get(chart);
  }
  const forward = s => s.log ? Math.log : v => v;
  function pixel(s, v) {
    const f = forward(s);
    return s.a + (s.b - s.a) * (f(v) - f(s.lo)) / (f(s.hi) - f(s.lo));
  }
  function value(s, px) {
    const f = forward(s), t = (px - s.a) / (s.b - s.a), v = f(s.lo) + t * (f(s.hi) - f(s.lo));
    return s.log ? Math.exp(v) : v;
  }
  function nearest(xs, x) {
    let lo = 0, hi = xs.length - 1;
    while (hi - lo > 1) {
      const mid = (lo + hi) >> 1;
      if (xs[mid] < x) lo = mid; else hi = mid;
    }
    return Math.abs(xs[lo] - x) <= Math.abs(xs[hi] - x) ? lo : hi;
  }
  function text(v) {
    const m = Math.abs(v);
    return m !== 0 && (m < 1e-3 || m >= 1e6) ? v.toExponential(3) : String(Number(v.toPrecision(5)));
  }
  function clear() {
    document.querySelectorAll('.hover').forEach(e => e.remove());
    tip.hidden = true;
    shown = null;
  }
  function element(name, attributes) {
    const e = document.createElementNS(NS, name);
    for (const k in attributes) e.setAttribute(k, attributes[k]);
    return e;
  }
  function show(chart, x, clientX, clientY) {
    clear();
    const d = data(chart), curves = (d.series || []).filter(s => s.x.length);
    if (!curves.length) return;
    let at = Infinity;
    for (const s of curves) {
      const v = s.x[nearest(s.x, x)];
      if (Math.abs(v - x) < Math.abs(at - x)) at = v;
    }
    const g = element('g', { class: 'hover' }), px = pixel(d.x, at);
    g.append(element('path', { class: 'hair', d: `M${px} ${d.y.a}V${d.y.b}` }));
    const head = document.createElement('b');
    head.textContent = d.xLabel + ' ' + text(at);
    tip.replaceChildren(head);
    const gap = 0.02 * Math.abs(d.x.hi - d.x.lo);
    for (const s of curves) {
      const i = nearest(s.x, at);
      if (s.x[i] !== at && (d.x.log || Math.abs(s.x[i] - at) > gap)) continue;
      g.append(element('circle', { class: 'dot s' + s.style, cx: pixel(d.x, s.x[i]), cy: pixel(d.y, s.y[i]), r: 4 }));
      const row = document.createElement('span'), name = document.createElement('i');
      name.className = 's' + s.style;
      name.textContent = s.name || d.yLabel;
      row.append(name, text(s.y[i]));
      tip.append(row);
    }
    chart.querySelector('svg').append(g);
    tip.hidden = false;
    const w = tip.offsetWidth, h = tip.offsetHeight, wide = document.documentElement.clientWidth;
    tip.style.left = Math.max(4, clientX + 16 + w > wide ? clientX - 16 - w : clientX + 16) + 'px';
    tip.style.top = Math.max(4, Math.min(clientY - h / 2, innerHeight - h - 4)) + 'px';
    shown = { chart, x: at };
  }
  function point(event) {
    const chart = event.target.closest && event.target.closest('.chart');
    if (!chart) return clear();
    const box = chart.querySelector('svg').getBoundingClientRect(), d = data(chart);
    show(chart, value(d.x, (event.clientX - box.left) * d.width / box.width), event.clientX, event.clientY);
  }
  document.addEventListener('pointermove', point);
  document.addEventListener('pointerdown', point);
  document.addEventListener('scroll', clear, { passive: true });
  document.addEventListener('keydown', event => {
    const chart = document.activeElement, by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === 'Escape') return clear();
    if (!by || !chart.classList.contains('chart')) return;
    event.preventDefault();
    const d = data(chart), xs = [...new Set((d.series || []).flatMap(s => s.x))].sort((a, b) => a - b);
    if (!xs.length) return;
    const i = shown && shown.chart === chart ? nearest(xs, shown.x) + by : by > 0 ? 0 : xs.length - 1;
    const x = xs[Math.min(xs.length - 1, Math.max(0, i))], box = chart.querySelector('svg').getBoundingClientRect();
    show(chart, x, box.left + pixel(d.x, x) * box.width / d.width, box.top + box.height / 2);
  });

  const state = document.querySelector('.live');
  if (!state) return;
  let tag = state.dataset.tag;
  async function poll() {
    try {
      const r = await fetch('content', { cache: 'no-store', headers: { 'If-None-Match': tag } });
      if (r.status === 200) {
        const body = await r.text();
        tag = r.headers.get('ETag');
        clear();
        document.getElementById('content').innerHTML = body;
        document.title = document.querySelector('h1').textContent;
      } else if (r.status !== 304) {
        throw new Error(await r.text());
      }
      state.textContent = '● following the run';
      state.classList.remove('lost');
    } catch (e) {
      state.textContent = '○ no answer from dlam watch; what is shown is the last known state';
      state.classList.add('lost');
    }
    setTimeout(poll, document.hidden ? 5000 : 1000);
  }
  setTimeout(poll, 1000);
})();
