// The modality gap, turned by hand: pictures and captions in three dimensions, and what happens when the captions are moved towards the
// pictures.
// data: {count: N, width: E, images, texts: 16-bit floats in base64, (N, E) each, of length 1; captions, scale}
(function () {
  "use strict";
  const { element: e, drawing: d, slider, button, teller, halves } = window.ClipLive;
  const blue = "#3b82c4",
    red = "#d1495b",
    size = 360;

  const words = {
    en: {
      turn:
        "Pictures (circles) and captions (diamonds) along the gap and the two directions in which they vary most beside it: " +
        "drag to turn, or use the arrow keys",
      move: "captions moved along the gap",
      gap: "distance of the means",
      pair: "cosine of a pair",
      other: "cosine of different pairs",
      loss: "contrastive loss",
      found: "pictures that find their caption",
      side: "from the side",
      along: "along the gap",
      lines: "lines between pairs",
      hint: "Circles are pictures, diamonds are captions. Drag to turn them; from along the gap the two clouds lie over each other.",
      say: (m, g, f, n) => `Moved by ${m}: the means are ${g} apart, ${f} of ${n} pictures find their caption.`,
    },
    ko: {
      turn: "간극 방향과 그 밖에서 가장 많이 변하는 두 방향으로 본 그림(원)과 캡션(마름모): 끌거나 화살표 키로 돌리세요",
      move: "간극을 따라 옮긴 캡션",
      gap: "두 평균의 거리",
      pair: "쌍의 코사인",
      other: "서로 다른 쌍의 코사인",
      loss: "대조 손실",
      found: "자기 캡션을 찾은 그림",
      side: "옆에서 보기",
      along: "간극을 따라 보기",
      lines: "쌍을 잇는 선",
      hint: "원은 그림이고 마름모는 캡션입니다. 끌어서 돌리세요. 간극을 따라 보면 두 무리가 겹칩니다.",
      say: (m, g, f, n) => `${m}만큼 옮김: 두 평균의 거리 ${g}, 자기 캡션을 찾은 그림 ${n}개 중 ${f}개.`,
    },
  };

  const dot = (a, b) => a.reduce((sum, v, i) => sum + v * b[i], 0);
  const unit = (a) => {
    const length = Math.sqrt(dot(a, a)) || 1;
    return a.map((v) => v / length);
  };
  const mean = (rows) => rows[0].map((_, k) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length);

  // The direction of the largest variance of centred rows, by powers of their covariance; then it is taken out of them.
  function component(rows) {
    let v = unit(rows[0].map((_, k) => Math.sin(k + 1)));
    for (let i = 0; i < 60; i++) {
      const next = v.map(() => 0);
      for (const row of rows) {
        const along = dot(row, v);
        for (let k = 0; k < next.length; k++) next[k] += along * row[k];
      }
      v = unit(next);
    }
    return v;
  }
  const without = (rows, v) =>
    rows.map((row) => {
      const along = dot(row, v);
      return row.map((x, k) => x - along * v[k]);
    });

  // What the loss and the matching make of embeddings, (N, E) each.
  function measure(images, texts, scale) {
    const N = images.length,
      S = images.map((a) => texts.map((b) => dot(a, b))); // (N, N)
    const cost = (row) => (i) => {
      const z = row(i).map((s) => scale * s),
        most = Math.max(...z);
      return most + Math.log(z.reduce((sum, v) => sum + Math.exp(v - most), 0)) - z[i];
    };
    const rows = cost((i) => S[i]),
      columns = cost((j) => S.map((row) => row[j])),
      all = Array.from({ length: N }, (_, i) => i);
    const pair = all.reduce((sum, i) => sum + S[i][i], 0) / N,
      sum = S.flat().reduce((a, b) => a + b, 0);
    return {
      pair,
      other: (sum - N * pair) / (N * N - N),
      loss: all.reduce((s, i) => s + rows(i) + columns(i), 0) / (2 * N),
      found: all.filter((i) => S[i][i] === Math.max(...S[i])).length,
    };
  }

  function build(place, data, w) {
    const N = data.count,
      E = data.width,
      rowsOf = (text) => {
        const values = halves(text);
        return Array.from({ length: N }, (_, i) => Array.from(values.subarray(i * E, (i + 1) * E)));
      };
    const images = rowsOf(data.images),
      texts = rowsOf(data.texts),
      gap = mean(images).map((v, k) => v - mean(texts)[k]),
      axis = unit(gap);
    const centre = mean(images.concat(texts)),
      flat = (rows) =>
        without(
          rows.map((row) => row.map((v, k) => v - centre[k])),
          axis,
        );
    const second = component(flat(images).concat(flat(texts))),
      third = component(without(flat(images).concat(flat(texts)), second));
    let turned = 0.5,
      tilted = 0.35,
      moved = 0,
      lines = true,
      shown = texts;
    const far = Math.max(
        ...images.concat(texts).map((row) => {
          const x = row.map((v, k) => v - centre[k]);
          return Math.hypot(dot(x, axis), dot(x, second), dot(x, third));
        }),
      ),
      zoom = (size / 2 - 14) / far;
    const svg = d("svg", {
      viewBox: `0 0 ${size} ${size}`,
      tabindex: 0,
      role: "img",
      "aria-label": w.turn,
      style: "width:100%;max-width:420px;touch-action:none;cursor:grab",
    });
    const numbers = e("tbody"),
      said = teller();

    // Moved captions are put back to length 1, as all embeddings are.
    function move() {
      shown = texts.map((row) => unit(row.map((v, k) => v + moved * gap[k])));
      const { pair, other, loss, found } = measure(images, shown, data.scale),
        apart = mean(images).map((v, k) => v - mean(shown)[k]),
        distance = Math.sqrt(dot(apart, apart));
      const line = (name, value, kind) =>
        e("tr", {}, e("th", { scope: "row", style: "text-align:left" }, name), e("td", { class: "number mono " + kind }, value));
      numbers.replaceChildren(
        line(w.gap, distance.toFixed(3), "distance"),
        line(w.pair, pair.toFixed(3), "pair"),
        line(w.other, other.toFixed(3), "other"),
        line(w.loss, loss.toFixed(3), "loss"),
        line(w.found, `${found} / ${N}`, "found"),
      );
      said.say(w.say(moved.toFixed(2), distance.toFixed(2), found, N));
      draw();
    }

    function draw() {
      const place3 = (row) => {
        const x = row.map((v, k) => v - centre[k]);
        return [dot(x, axis), dot(x, second), dot(x, third)];
      };
      const [c, s, ct, st] = [Math.cos(turned), Math.sin(turned), Math.cos(tilted), Math.sin(tilted)];
      const eye = ([x, y, z]) => {
        const u = c * x + s * z,
          depth = -s * x + c * z;
        return { x: size / 2 + zoom * u, y: size / 2 - zoom * (ct * y - st * depth), depth: st * y + ct * depth };
      };
      const points = images
        .map((row, i) => ({ ...eye(place3(row)), i, image: true }))
        .concat(shown.map((row, i) => ({ ...eye(place3(row)), i, image: false })));
      const parts = lines
        ? images.map((_, i) =>
            d("line", {
              x1: points[i].x.toFixed(1),
              y1: points[i].y.toFixed(1),
              x2: points[N + i].x.toFixed(1),
              y2: points[N + i].y.toFixed(1),
              stroke: "currentColor",
              "stroke-opacity": 0.18,
            }),
          )
        : [];
      [...points]
        .sort((a, b) => a.depth - b.depth)
        .forEach(({ x, y, i, image }) => {
          const mark = image
            ? d("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 5, fill: blue })
            : d("path", { d: `M${(x - 6).toFixed(1)} ${y.toFixed(1)}l6 -6 6 6 -6 6z`, fill: red });
          mark.append(d("title", {}, data.captions[i]));
          parts.push(mark);
        });
      svg.replaceChildren(...parts);
    }

    let from = null;
    svg.addEventListener("pointerdown", (event) => {
      from = [event.clientX, event.clientY];
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      if (!from) return;
      turned += (event.clientX - from[0]) * 0.01;
      tilted = Math.min(1.5, Math.max(-1.5, tilted + (event.clientY - from[1]) * 0.01));
      from = [event.clientX, event.clientY];
      draw();
    });
    for (const end of ["pointerup", "pointercancel"])
      svg.addEventListener(end, () => {
        from = null;
      });
    svg.addEventListener("keydown", (event) => {
      const [x, y] = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] }[event.key] || [0, 0];
      if (!x && !y) return;
      event.preventDefault();
      turned += x;
      tilted = Math.min(1.5, Math.max(-1.5, tilted + y));
      draw();
    });
    const view = (x, y) => () => {
      [turned, tilted] = [x, y];
      draw();
    };
    const join = e("input", {
      type: "checkbox",
      checked: true,
      change: () => {
        lines = join.checked;
        draw();
      },
    });
    place.append(
      e(
        "div",
        { class: "row" },
        slider({
          label: w.move,
          min: -0.5,
          max: 1.5,
          step: 0.05,
          value: 0,
          show: (v) => v.toFixed(2).replace("-", "−"),
          change: (v) => {
            moved = v;
            move();
          },
        }),
      ),
      e(
        "div",
        { class: "panels" },
        e("div", {}, svg, e("p", { class: "small" }, w.hint)),
        e(
          "div",
          {},
          e("table", {}, numbers),
          e("div", { class: "row" }, button(w.side, view(0, 0)), button(w.along, view(Math.PI / 2, 0)), e("label", {}, join, w.lines)),
        ),
      ),
      said,
    );
    move();
  }

  window.ClipLive.define("gap", { words, build });
})();
