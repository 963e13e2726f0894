'use strict';
for (const svg of document.querySelectorAll('svg.chart')) {
  const now = svg.nextElementSibling, said = now.textContent;
  let minute = 0;
  const times = svg.dataset.t.split(' ').map(step => minute += +step);
  const lines = [...svg.querySelectorAll('.line')].map(path => [path.dataset.name, path.dataset.v.trim().split(' ')]);
  const [from, to] = svg.dataset.x.split(' ').map(Number);
  const half = svg.dataset.width * 30000;
  const x = time => 36 + 318 * (time * 60000 + half - from) / (to - from);
  const cross = svg.querySelector('.grid').cloneNode();
  cross.setAttribute('class', 'cross');
  cross.removeAttribute('d');
  svg.append(cross);
  svg.addEventListener('pointermove', event => {
    const box = svg.getBoundingClientRect(), at = (event.clientX - box.left) * 360 / box.width;
    let best = 0;
    times.forEach((time, number) => { if (Math.abs(x(time) - at) < Math.abs(x(times[best]) - at)) best = number; });
    cross.setAttribute('d', `M${x(times[best])} 14V120`);
    const figures = lines.filter(line => line[1][best] != '-').map(line =>
      `${line[0]} ${+(line[1][best] / svg.dataset.factor).toPrecision(4)} ${svg.dataset.unit}`);
    now.textContent = new Date(times[best] * 60000).toISOString().slice(0, 16).replace('T', ' ') + ': ' + figures.join(', ');
  });
  svg.addEventListener('pointerleave', () => { cross.removeAttribute('d'); now.textContent = said; });
}
