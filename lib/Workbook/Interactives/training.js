// A recorded training, step by step: the matrix of held-out pairs, the loss, the temperature, the map of both towers' embeddings; for the
// right run and the broken ones.
// data: {runs: [{name, steps, losses, temperatures, alike: [images, texts, both] by step, found, cosines: (S, N, N), map: (S, 2N, 2)}],
// pictures, captions}
(function () {
  "use strict";
  const { element: e, drawing: d, slider, choice, button, teller, paint } = window.ClipLive;
  const blue = "#3b82c4",
    red = "#d1495b",
    size = 300;

  const words = {
    en: {
      run: "run",
      step: "recorded step",
      matrix: "Cosines of held-out pictures and captions",
      map: "Both towers on one map: pictures blue, captions red",
      loss: "loss",
      temperature: "temperature τ",
      found: "pictures that find their caption",
      images: "mean cosine of different pictures",
      texts: "mean cosine of different captions",
      pairs: "mean cosine of a picture and another's caption",
      own: "mean cosine of a picture and its own caption",
      curve: "Loss; the line is the step shown",
      play: "play",
      stop: "stop",
      say: (r, s, l, f) => `${r}, step ${s}: loss ${l}, ${f} find their caption.`,
      picture: (i) => `picture ${i + 1}`,
    },
    ko: {
      run: "실행",
      step: "기록한 단계",
      matrix: "남겨 둔 그림과 캡션의 코사인",
      map: "두 타워를 한 지도에: 그림은 파랑, 캡션은 빨강",
      loss: "손실",
      temperature: "온도 τ",
      found: "자기 캡션을 찾은 그림",
      images: "서로 다른 그림의 평균 코사인",
      texts: "서로 다른 캡션의 평균 코사인",
      pairs: "그림과 다른 그림의 캡션의 평균 코사인",
      own: "그림과 자기 캡션의 평균 코사인",
      curve: "손실. 세로선이 보이는 단계입니다",
      play: "재생",
      stop: "멈춤",
      say: (r, s, l, f) => `${r}, ${s}단계: 손실 ${l}, 자기 캡션을 찾은 그림 ${f}.`,
      picture: (i) => `그림 ${i + 1}`,
    },
  };

  function build(place, data, w) {
    const N = data.captions.length;
    let run = data.runs[0],
      at = run.steps.length - 1,
      timer = 0;
    const cells = Array.from({ length: N }, (_, i) =>
      Array.from({ length: N }, (_, j) =>
        e("td", { class: i === j ? "cell own" : "cell", style: "padding:0;min-width:1em;height:2.4em;font-size:0.85em" }),
      ),
    );
    const table = e(
      "table",
      { style: "border-spacing:1px;width:100%;max-width:26em;table-layout:fixed" },
      e(
        "tbody",
        {},
        cells.map((row, i) =>
          e(
            "tr",
            {},
            e(
              "th",
              { scope: "row", style: "padding:1px;width:34px" },
              e("img", {
                src: data.pictures[i],
                alt: data.captions[i],
                title: data.captions[i],
                style: "width:100%;max-width:32px;display:block;margin:0",
              }),
            ),
            row,
          ),
        ),
      ),
    );
    const map = d("svg", { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": w.map, style: "width:100%;max-width:300px" }),
      curve = d("svg", { viewBox: "0 0 300 110", role: "img", "aria-label": w.curve, style: "width:100%;max-width:26em" });
    const numbers = e("tbody"),
      said = teller();
    const scrub = slider({
      label: w.step,
      min: 0,
      max: at,
      step: 1,
      value: at,
      show: (v) => String(run.steps[v]),
      change: (v) => {
        at = v;
        show();
      },
    });
    const runs = choice(
      w.run,
      data.runs.map((r, i) => [i, r.name]),
      0,
      (v) => {
        const share = at / (run.steps.length - 1);
        run = data.runs[v];
        at = Math.round(share * (run.steps.length - 1));
        scrub.input.max = run.steps.length - 1;
        scrub.set(at);
        show();
      },
    );
    const play = button(w.play, () => {
      if (timer) {
        clearInterval(timer);
        timer = 0;
        play.textContent = w.play;
        return;
      }
      if (at === run.steps.length - 1) at = -1;
      play.textContent = w.stop;
      timer = setInterval(() => {
        // The reader may have drawn the slider to the end in the meantime.
        at = Math.min(at + 1, run.steps.length - 1);
        scrub.set(at);
        show();
        if (at === run.steps.length - 1) {
          clearInterval(timer);
          timer = 0;
          play.textContent = w.play;
        }
      }, 350);
    });

    function show() {
      const cosines = run.cosines[at],
        points = run.map[at],
        [images, texts, pairs, own] = run.alike[at];
      for (let i = 0; i < N; i++)
        for (let j = 0; j < N; j++) {
          cells[i][j].textContent = cosines[i][j].toFixed(1).replace("-0.0", "0.0").replace("-", "−");
          paint(cells[i][j], cosines[i][j], -1, 1);
        }
      const line = (name, value, kind) =>
          e("tr", {}, e("th", { scope: "row", style: "text-align:left" }, name), e("td", { class: "number mono " + kind }, value)),
        fixed = (v) => v.toFixed(2).replace("-", "−");
      numbers.replaceChildren(
        line(w.loss, run.losses[at].toFixed(3), "loss"),
        line(w.temperature, run.temperatures[at].toFixed(3), "temperature"),
        line(w.found, `${run.found[at]} / ${N}`, "found"),
        line(w.own, fixed(own), "own-pairs"),
        line(w.pairs, fixed(pairs), "pairs"),
        line(w.images, fixed(images), "images"),
        line(w.texts, fixed(texts), "texts"),
      );
      // The map keeps its scale over a run, so that a cloud that shrinks is seen to shrink.
      const all = run.map.flat().flat(),
        most = Math.max(...all.map(Math.abs), 1e-6),
        x = (v) => (size / 2 + (v / most) * (size / 2 - 14)).toFixed(1),
        marks = [];
      for (let i = 0; i < N; i++)
        marks.push(
          d("line", {
            x1: x(points[i][0]),
            y1: x(-points[i][1]),
            x2: x(points[N + i][0]),
            y2: x(-points[N + i][1]),
            stroke: "currentColor",
            "stroke-opacity": 0.3,
          }),
        );
      points.forEach((p, i) => {
        const mark =
          i < N
            ? d("circle", { cx: x(p[0]), cy: x(-p[1]), r: 6, fill: blue })
            : d("path", { d: `M${x(p[0])} ${x(-p[1])}m-7 0l7 -7 7 7 -7 7z`, fill: red });
        mark.append(d("title", {}, (i < N ? w.picture(i) + ": " : "") + data.captions[i % N]));
        marks.push(mark);
      });
      map.replaceChildren(...marks);
      const end = run.steps[run.steps.length - 1],
        high = Math.max(...run.losses),
        h = (s) => (8 + (284 * s) / end).toFixed(1),
        v = (l) => (100 - (90 * l) / high).toFixed(1);
      curve.replaceChildren(
        d("polyline", {
          points: run.steps.map((s, i) => `${h(s)},${v(run.losses[i])}`).join(" "),
          fill: "none",
          stroke: blue,
          "stroke-width": 2,
        }),
        d("line", { x1: h(run.steps[at]), x2: h(run.steps[at]), y1: 4, y2: 104, stroke: "currentColor" }),
        d("line", { x1: 8, x2: 292, y1: 100, y2: 100, stroke: "currentColor", "stroke-opacity": 0.3 }),
      );
      said.say(w.say(run.name, run.steps[at], run.losses[at].toFixed(2), `${run.found[at]} / ${N}`));
    }

    place.append(
      e("div", { class: "row" }, runs, play, scrub),
      e(
        "div",
        { class: "panels" },
        e("div", {}, e("p", { class: "title" }, w.matrix), table),
        e("div", {}, e("p", { class: "title" }, w.map), map),
      ),
      e("div", { class: "panels" }, e("div", {}, e("table", {}, numbers)), e("div", {}, e("p", { class: "title" }, w.curve), curve)),
      said,
    );
    show();
  }

  window.ClipLive.define("training", { words, build });
})();
