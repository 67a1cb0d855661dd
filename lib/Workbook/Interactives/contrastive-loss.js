// The contrastive loss by hand: cosines that are dragged, a temperature, and what both softmaxes, the loss and its gradient make of them.
// S (B, B) cosines; Z = S / τ logits; rows are images, columns captions. data: {cosines, images, captions, temperature}
(function () {
  "use strict";
  const { element: e, slider, button, draggable, teller, paint } = window.ClipLive;

  const words = {
    en: {
      temperature: "temperature τ",
      slip: "the slip: the scale 1/τ handed over as a temperature",
      cosines: "Cosines (drag a cell, or use its arrow keys)",
      rows: "Softmax of each row",
      columns: "Softmax of each column",
      gradient: "Gradient of the loss by each logit",
      logit: (z) => `logit ${z}`,
      cosine: (i, c) => `cosine of ${i} and ${c}`,
      loss: "loss",
      toText: "image → text",
      toImage: "text → image",
      nothing: (n) => `knowing nothing: ln ${n} = `,
      reset: "the document's numbers",
      alike: "two captions alike",
      none: "all alike",
      perfect: "perfect pairs",
      scale: "gradient that reaches the learned scale",
      cut: "none: .item() cut it",
      right: "images whose own caption has the largest probability",
      say: (l, t, r) => `Loss ${l} at temperature ${t}; ${r} images find their caption.`,
      minusLog: "−ln p",
      starts: "start from",
    },
    ko: {
      temperature: "온도 τ",
      slip: "실수: 스케일 1/τ을 온도로 넘긴다",
      cosines: "코사인 (셀을 끌거나 화살표 키로 바꾸세요)",
      rows: "행마다 소프트맥스",
      columns: "열마다 소프트맥스",
      gradient: "로짓마다 손실의 그래디언트",
      logit: (z) => `로짓 ${z}`,
      cosine: (i, c) => `${i}와 ${c}의 코사인`,
      loss: "손실",
      toText: "이미지 → 텍스트",
      toImage: "텍스트 → 이미지",
      nothing: (n) => `아무것도 모를 때: ln ${n} = `,
      reset: "문서의 수",
      alike: "같은 캡션 둘",
      none: "모두 같음",
      perfect: "완벽한 쌍",
      scale: "학습되는 스케일에 닿는 그래디언트",
      cut: "없음: .item()이 끊었습니다",
      right: "자기 캡션의 확률이 가장 큰 이미지",
      say: (l, t, r) => `온도 ${t}에서 손실 ${l}, 자기 캡션을 찾은 이미지 ${r}.`,
      minusLog: "−ln p",
      starts: "시작 값",
    },
  };

  // What follows from cosines and a temperature. With the slip the scale 1/τ divides: Z = S · τ.
  function compute(S, tau, slip) {
    const B = S.length,
      Z = S.map((row) => row.map((s) => (slip ? s * tau : s / tau))); // (B, B)
    const softmax = (values) => {
      const most = Math.max(...values),
        up = values.map((v) => Math.exp(v - most)),
        sum = up.reduce((a, b) => a + b);
      return up.map((v) => v / sum);
    };
    const rows = Z.map(softmax),
      turned = Z[0].map((_, j) => softmax(Z.map((row) => row[j]))); // (B, B) each; turned[j][i]
    const columns = Z.map((row, i) => row.map((_, j) => turned[j][i])); // (B, B)
    const mean = (P) => P.reduce((sum, row, i) => sum - Math.log(row[i]), 0) / B;
    const [toText, toImage] = [mean(rows), mean(columns)];
    const gradient = rows.map((row, i) => row.map((p, j) => (p + columns[i][j] - (i === j ? 2 : 0)) / (2 * B))); // (B, B)
    const scale = slip ? null : Z.reduce((sum, row, i) => sum + row.reduce((s, z, j) => s + z * gradient[i][j], 0), 0);
    return {
      Z,
      rows,
      columns,
      toText,
      toImage,
      loss: (toText + toImage) / 2,
      gradient,
      scale,
      right: rows.filter((row, i) => row[i] === Math.max(...row)).length,
    };
  }

  function build(place, data, w) {
    const B = data.cosines.length,
      nothing = Math.log(B),
      fixed = (x, n) => x.toFixed(n).replace("-", "−");
    let S = data.cosines.map((row) => [...row]),
      tau = data.temperature,
      slip = false;

    // A matrix as a table: cells, and one more column or row for what each row or column comes to.
    function matrix(title, margin) {
      const cells = data.images.map(() => data.captions.map(() => e("td", { class: "cell" }))),
        ends = margin ? data.images.map(() => e("td", { class: "small number" })) : [];
      cells.forEach((row, i) => row[i].classList.add("own"));
      const head = e(
        "tr",
        {},
        e("td"),
        data.captions.map((c) => e("th", { scope: "col" }, c)),
        margin === "row" ? e("th", { scope: "col" }, w.minusLog) : null,
      );
      const body = data.images.map((image, i) =>
        e("tr", {}, e("th", { scope: "row" }, image), cells[i], margin === "row" ? ends[i] : null),
      );
      const foot = margin === "column" ? e("tr", {}, e("th", { scope: "row" }, w.minusLog), ends) : null;
      return {
        cells,
        ends,
        panel: e(
          "div",
          {},
          e("p", { class: "title" }, title),
          e("div", { class: "scroll" }, e("table", { class: "heat" }, e("tbody", {}, head, body, foot))),
        ),
      };
    }

    const cosines = matrix(w.cosines),
      rows = matrix(w.rows, "row"),
      columns = matrix(w.columns, "column"),
      gradient = matrix(w.gradient),
      said = teller();
    const logits = cosines.cells.map((row, i) =>
      row.map((cell, j) => {
        const number = e("span"),
          logit = e("span", { class: "small", style: "display:block;line-height:1.1" });
        cell.append(number, logit);
        draggable(cell, {
          label: w.cosine(data.images[i], data.captions[j]),
          min: -1,
          max: 1,
          step: 0.01,
          perPixel: 0.005,
          value: () => S[i][j],
          change: (value) => {
            S[i][j] = value;
            show();
          },
        });
        return [number, logit];
      }),
    );
    const loss = e("output", { class: "big" }),
      halves = e("span"),
      bar = e("span", { class: "bar" }),
      scale = e("span", { class: "mono" }),
      found = e("span", { class: "mono" });
    const temperature = slider({
      label: w.temperature,
      min: -2,
      max: 1,
      step: 0.001,
      value: Math.log10(tau),
      show: (v) => (10 ** v).toFixed(10 ** v < 1 ? 3 : 2),
      change: (v) => {
        tau = 10 ** v;
        show();
      },
    });
    const wrong = e("input", {
      type: "checkbox",
      change: () => {
        slip = wrong.checked;
        show();
      },
    });

    function show() {
      const { Z, rows: P, columns: Q, toText, toImage, loss: L, gradient: G, scale: reaches, right } = compute(S, tau, slip);
      const least = Math.min(...S.flat()),
        most = Math.max(...S.flat()),
        push = Math.max(...G.flat().map(Math.abs), 1e-9);
      for (let i = 0; i < B; i++)
        for (let j = 0; j < B; j++) {
          logits[i][j][0].textContent = fixed(S[i][j], 2);
          logits[i][j][1].textContent = fixed(Z[i][j], Math.abs(Z[i][j]) < 0.095 ? 3 : 1);
          cosines.cells[i][j].setAttribute("aria-valuenow", S[i][j].toFixed(3));
          cosines.cells[i][j].setAttribute("aria-valuetext", `${fixed(S[i][j], 2)}, ${w.logit(fixed(Z[i][j], 2))}`);
          paint(cosines.cells[i][j], S[i][j], least, most);
          for (const [shown, values, low, high] of [
            [rows, P, 0, 1],
            [columns, Q, 0, 1],
            [gradient, G, -push, push],
          ]) {
            shown.cells[i][j].textContent = fixed(values[i][j], 3);
            paint(shown.cells[i][j], values[i][j], low, high);
          }
        }
      for (let i = 0; i < B; i++) {
        rows.ends[i].textContent = fixed(-Math.log(P[i][i]), 3);
        columns.ends[i].textContent = fixed(-Math.log(Q[i][i]), 3);
      }
      loss.textContent = fixed(L, 4);
      halves.textContent = `= (${w.toText} ${fixed(toText, 4)} + ${w.toImage} ${fixed(toImage, 4)}) / 2`;
      bar.style.width = `${Math.min(100, (50 * L) / nothing)}%`;
      scale.textContent = reaches === null ? w.cut : fixed(reaches, 4);
      found.textContent = `${right} / ${B}`;
      said.say(w.say(fixed(L, 3), tau.toFixed(3), `${right} / ${B}`));
    }

    function from(matrixOf, t) {
      S = matrixOf;
      tau = t;
      temperature.set(Math.log10(t));
      show();
    }
    const own = (pair, other) => data.images.map((_, i) => data.captions.map((_, j) => (i === j ? pair : other)));
    const twins = own(1, 0);
    twins[0][1] = twins[1][0] = 1;
    place.append(
      e("div", { class: "row" }, temperature, e("label", {}, wrong, w.slip)),
      e(
        "div",
        { class: "row" },
        e("span", { class: "small" }, w.starts),
        button(w.reset, () =>
          from(
            data.cosines.map((row) => [...row]),
            data.temperature,
          ),
        ),
        button(w.perfect, () => from(own(1, 0), 0.07)),
        button(w.alike, () => from(twins, 0.01)),
        button(w.none, () => from(own(0.2, 0.2), 0.07)),
      ),
      e(
        "div",
        { style: "margin:0.6em 0" },
        e("p", {}, `${w.loss} `, loss, " ", halves),
        e(
          "div",
          { style: "position:relative;max-width:30em" },
          e("div", { style: "background:var(--panel,rgba(128,128,128,0.15));border-radius:2px" }, bar),
          e("span", { style: "position:absolute;left:50%;top:0;height:1.3em;border-right:1px solid currentColor", "aria-hidden": "true" }),
          e("p", { class: "small", style: "margin:0.4em 0;text-align:center" }, w.nothing(B) + nothing.toFixed(3)),
        ),
        e("p", { class: "small" }, `${w.scale}: `, scale, e("br"), `${w.right}: `, found),
      ),
      e("div", { class: "panels" }, cosines.panel, rows.panel, columns.panel, gradient.panel),
      said,
    );
    show();
  }

  window.ClipLive.define("contrastive-loss", { words, build });
})();
