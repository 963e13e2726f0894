// Looks at pages that `tests/browser.rs` has put into `pages`, each in a frame, and writes what it finds as JSON.
const channels = text => text.match(/[\d.]+/g).map(Number);
const over = (upper, lower) => {
  const alpha = upper[3] ?? 1;
  return [0, 1, 2].map(place => upper[place] * alpha + lower[place] * (1 - alpha));
};
const light = color => {
  const [r, g, b] = color.map(value => value / 255).map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [low, high] = [light(one), light(other)].sort((left, right) => left - right);
  return (high + 0.05) / (low + 0.05);
};

function back(view, element) {
  const layers = [];
  for (let at = element; at; at = at.parentElement) layers.push(channels(view.getComputedStyle(at).backgroundColor));
  return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255]);
}

// The text whose contrast is least.
function faintest(view, root) {
  let least = [99, ''];
  for (const element of root.querySelectorAll('body *')) {
    const text = [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim()).join('');
    if (!text || !element.getClientRects().length || element.closest('title, desc, script')) continue;
    const style = view.getComputedStyle(element), below = back(view, element);
    const color = channels(element.namespaceURI.endsWith('svg') ? style.fill : style.color);
    const found = contrast(over(color, below), below);
    if (found < least[0]) least = [found, text.slice(0, 40) + ' .' + element.getAttribute('class')];
  }
  return least;
}

// What the first chart says where the mouse is at its end, and after it has left.
function hover(view, root) {
  const chart = root.querySelector('svg.chart');
  if (!chart) return null;
  const box = chart.getBoundingClientRect(), said = chart.nextElementSibling, before = said.textContent;
  chart.dispatchEvent(new view.PointerEvent('pointermove', {clientX: box.right, clientY: box.top + 20}));
  const at = said.textContent;
  chart.dispatchEvent(new view.PointerEvent('pointerleave', {}));
  return {at, isBack: said.textContent === before};
}

addEventListener('load', () => {
  const found = [...document.querySelectorAll('iframe')].map(frame => {
    const view = frame.contentWindow, root = frame.contentDocument;
    const page = root.documentElement;
    const charts = [...root.querySelectorAll('svg')].map(svg => svg.getBoundingClientRect());
    return {
      page: frame.title, width: view.innerWidth, scrolls: page.scrollWidth - page.clientWidth,
      isDark: view.matchMedia('(prefers-color-scheme: dark)').matches,
      faintest: faintest(view, root), hover: hover(view, root),
      tables: root.querySelectorAll('table').length,
      smallest: Math.min(9999, ...charts.map(box => Math.min(box.width, box.height * 3))),
    };
  });
  const out = document.createElement('pre');
  out.id = 'found';
  out.textContent = JSON.stringify(found);
  document.body.append(out);
});
const named = (name, of) => { const element = document.createElement(name); Object.assign(element, of); return element; };
for (const {title, html} of pages)
  for (const width of [380, 1200]) {
    const frame = named('iframe', {title, width, height: 900, srcdoc: html});
    frame.style.border = '0';
    document.body.append(frame);
  }
