// One transformer block on three tokens, step by step, with its numbers: change an input, and every step follows.
// data: {x: (N, D), heads, qkv: (3D, D), out: (D, D), up: (M, D), down: (D, M)}; gains are 1 and biases 0
(function () {
  "use strict";
  const { element: e, slider, button, draggable, teller, paint } = window.ClipLive;

  const words = {
    en: {
      step: "step",
      back: "a step back",
      on: "a step on",
      input: (i, k) => `token ${i}, number ${k}`,
      hint: "Drag a number of the input, or use its arrow keys; the steps follow.",
      token: (i) => `token ${i}`,
      head: (h) => `head ${h}`,
      steps: [
        ["The input: three tokens of four numbers", "x (N, D) = (3, 4)"],
        ["Layer norm: each row to mean 0 and variance 1", "(x − mean) / standard deviation, (3, 4)"],
        ["Queries, keys and values, one product", "q, k, v (3, 4) each: the first two numbers are head 1, the others head 2"],
        ["Scores: every query with every key", "q · k / √K, (2, 3, 3), K = 2"],
        ["Softmax: each row sums to 1", "attention (2, 3, 3)"],
        ["Values mixed by the attention, heads side by side", "attention · v, (3, 4)"],
        ["Projected and added to the input", "x + mixed · Wᵒ, (3, 4)"],
        ["Layer norm again", "(3, 4)"],
        ["MLP: wider, through QuickGELU", "h · sigmoid(1.702 h), (3, 8)"],
        ["Back to four numbers, and added", "the block's output, (3, 4)"],
      ],
      say: (n, t) => `Step ${n}: ${t}`,
    },
    ko: {
      step: "단계",
      back: "한 단계 뒤로",
      on: "한 단계 앞으로",
      input: (i, k) => `토큰 ${i}, ${k}번째 수`,
      hint: "입력의 수를 끌거나 화살표 키로 바꾸면 모든 단계가 따라옵니다.",
      token: (i) => `토큰 ${i}`,
      head: (h) => `헤드 ${h}`,
      steps: [
        ["입력: 수 네 개로 된 토큰 셋", "x (N, D) = (3, 4)"],
        ["레이어 정규화: 행마다 평균 0, 분산 1", "(x − 평균) / 표준편차, (3, 4)"],
        ["쿼리, 키, 값을 곱 하나로", "q, k, v 각각 (3, 4): 앞의 두 수가 헤드 1, 뒤의 두 수가 헤드 2"],
        ["점수: 모든 쿼리와 모든 키", "q · k / √K, (2, 3, 3), K = 2"],
        ["소프트맥스: 행마다 합이 1", "어텐션 (2, 3, 3)"],
        ["어텐션으로 섞은 값, 헤드를 나란히", "어텐션 · v, (3, 4)"],
        ["투영하고 입력에 더함", "x + 섞은 값 · Wᵒ, (3, 4)"],
        ["다시 레이어 정규화", "(3, 4)"],
        ["MLP: 넓혀서 QuickGELU를 지남", "h · sigmoid(1.702 h), (3, 8)"],
        ["다시 수 네 개로, 그리고 더함", "블록의 출력, (3, 4)"],
      ],
      say: (n, t) => `${n}단계: ${t}`,
    },
  };

  // (N, I) · (O, I) transposed → (N, O)
  const linear = (x, W) => x.map((row) => W.map((weights) => weights.reduce((sum, v, i) => sum + v * row[i], 0)));
  const norm = (x) =>
    x.map((row) => {
      const mean = row.reduce((a, b) => a + b) / row.length,
        variance = row.reduce((s, v) => s + (v - mean) ** 2, 0) / row.length;
      return row.map((v) => (v - mean) / Math.sqrt(variance + 1e-5));
    });
  const softmax = (row) => {
    const most = Math.max(...row),
      up = row.map((v) => Math.exp(v - most)),
      sum = up.reduce((a, b) => a + b);
    return up.map((v) => v / sum);
  };
  const add = (x, y) => x.map((row, i) => row.map((v, k) => v + y[i][k]));

  // The matrices of each step, in the order of the words.
  function run(data, x) {
    const D = x[0].length,
      H = data.heads,
      K = D / H,
      normed = norm(x),
      qkv = linear(normed, data.qkv); // (N, 3D)
    const [q, k, v] = [0, 1, 2].map((n) => qkv.map((row) => row.slice(n * D, (n + 1) * D))),
      part = (m, h) => m.map((row) => row.slice(h * K, (h + 1) * K));
    const heads = Array.from({ length: H }, (_, h) => h),
      scores = heads.map((h) => linear(part(q, h), part(k, h)).map((row) => row.map((s) => s / Math.sqrt(K)))); // (H, N, N)
    const attention = scores.map((m) => m.map(softmax)),
      mixed = x.map((_, i) =>
        heads.flatMap((h) => part(v, h)[0].map((_, c) => attention[h][i].reduce((sum, p, j) => sum + p * part(v, h)[j][c], 0))),
      ); // (N, D)
    const once = add(x, linear(mixed, data.out)),
      again = norm(once),
      wide = linear(again, data.up).map((row) => row.map((h) => h / (1 + Math.exp(-1.702 * h)))); // (N, M)
    return [[x], [normed], [q, k, v], scores, attention, [mixed], [once], [again], [wide], [add(once, linear(wide, data.down))]];
  }

  function build(place, data, w) {
    let x = data.x.map((row) => [...row]),
      at = 0;
    const panels = e("div", { class: "panels" }),
      title = e("p", { class: "title", "aria-live": "polite" }),
      formula = e("p", { class: "mono small" }),
      inputs = e("div"),
      said = teller();
    const steps = slider({
      label: w.step,
      min: 1,
      max: w.steps.length,
      step: 1,
      value: 1,
      show: (v) => `${v} / ${w.steps.length}`,
      change: (v) => {
        at = v - 1;
        show();
      },
    });
    const walk = (by) => {
        at = Math.min(w.steps.length - 1, Math.max(0, at + by));
        steps.set(at + 1);
        show();
      },
      fixed = (v) => v.toFixed(2).replace("-", "−");
    const cells = x.map((row, i) =>
      row.map((_, k) => {
        const cell = e("td", { class: "cell" });
        draggable(cell, {
          label: w.input(i + 1, k + 1),
          min: -3,
          max: 3,
          step: 0.1,
          perPixel: 0.03,
          value: () => x[i][k],
          change: (value) => {
            x[i][k] = value;
            show();
          },
        });
        return cell;
      }),
    );

    const heads = (m) => m.length === x.length && m[0].length === x.length;
    const names = [[""], [""], ["q", "k", "v"], [1, 2].map(w.head), [1, 2].map(w.head), [""], [""], [""], [""], [""]];
    function matrix(values, name, rows) {
      const most = Math.max(...values.flat().map(Math.abs), 1e-9),
        shares = rows && at === 4;
      return e(
        "div",
        { style: "flex:0 1 auto" },
        name ? e("p", { class: "small" }, name) : null,
        e(
          "div",
          {
            class: "scroll",
            tabindex: values[0].length > 4 ? 0 : null,
            role: values[0].length > 4 ? "group" : null,
            "aria-label": values[0].length > 4 ? title.textContent : null,
          },
          e(
            "table",
            { class: "heat result" },
            e(
              "tbody",
              {},
              rows && heads(values)
                ? e(
                    "tr",
                    {},
                    e("td"),
                    values.map((_, j) => e("th", { scope: "col", class: "small" }, w.token(j + 1))),
                  )
                : null,
              values.map((row, i) =>
                e(
                  "tr",
                  {},
                  e("th", { scope: "row", class: "small" }, w.token(i + 1)),
                  row.map((v) => {
                    const cell = e("td", { class: "cell" }, fixed(v));
                    paint(cell, v, shares ? 0 : -most, shares ? 1 : most);
                    return cell;
                  }),
                ),
              ),
            ),
          ),
        ),
      );
    }

    function show() {
      const made = run(data, x);
      x.forEach((row, i) =>
        row.forEach((v, k) => {
          cells[i][k].textContent = fixed(v);
          cells[i][k].setAttribute("aria-valuenow", v.toFixed(1));
          paint(cells[i][k], v, -3, 3);
        }),
      );
      title.textContent = `${at + 1}. ${w.steps[at][0]}`;
      formula.textContent = w.steps[at][1];
      panels.replaceChildren(...(at === 0 ? [] : made[at].map((values, i) => matrix(values, names[at][i], at === 3 || at === 4))));
      said.say(w.say(at + 1, w.steps[at][0]));
    }

    inputs.append(
      e(
        "div",
        { class: "scroll" },
        e(
          "table",
          { class: "heat" },
          e(
            "tbody",
            {},
            cells.map((row, i) => e("tr", {}, e("th", { scope: "row", class: "small" }, w.token(i + 1)), row)),
          ),
        ),
      ),
    );
    place.append(
      e(
        "div",
        { class: "row" },
        button("◀", () => walk(-1), { "aria-label": w.back }),
        button("▶", () => walk(1), { "aria-label": w.on }),
        steps,
      ),
      e("p", { class: "small" }, w.hint),
      inputs,
      title,
      formula,
      panels,
      said,
    );
    show();
  }

  window.ClipLive.define("block", { words, build });
})();
