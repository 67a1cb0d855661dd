(function () {
  function fit(json, room) {
    var layout = json.layout, margin = layout.margin, narrow = layout.meta && layout.meta.narrow;
    if (!narrow || !room || layout.width <= room) return;
    var count = narrow.labels.length, wide = layout.width - margin.l - margin.r,
      cells = Math.max(room - margin.l - margin.r, count * narrow.cell);
    layout.width += cells - wide;
    layout.images.forEach(function (image) { image.x *= wide / cells; image.sizex *= wide / cells; });
    if (cells / count >= 60) return;
    layout.height += narrow.top - margin.t;
    margin.t = narrow.top;
    layout.xaxis.ticktext = narrow.labels;
    layout.xaxis.tickangle = narrow.angle;
    // A number as wide as its cell would run into its neighbour's.
    json.data.forEach(function (trace) {
      if (!trace.textfont) return;
      var longest = Math.max.apply(null, trace.text.map(function (text) { return text.length; }));
      trace.textfont.size = Math.max(8, Math.min(cells / count < 40 ? 10 : 12, Math.floor((cells / count - 6) / (0.6 * longest))));
    });
  }
  function draw(figure) {
    figure.setAttribute("data-drawn", "");
    var still = figure.querySelector(".clip-plot-still"), plot = document.createElement("div");
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", still.getAttribute("aria-label"));
    var json = JSON.parse(figure.getAttribute("data-plot")), fixed = !!json.layout.width;
    fit(json, figure.clientWidth);
    function themed() {
      var ink = getComputedStyle(figure).color, layout = JSON.parse(JSON.stringify(json.layout));
      var line = ink.replace(/^rgb\((.*)\)$/, "rgba($1, 0.15)");
      layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
      layout.font = { color: ink, size: 12, family: "Inter, system-ui, -apple-system, Segoe UI, Roboto, sans-serif" };
      ["xaxis", "yaxis"].forEach(function (name) {
        layout[name] = Object.assign({ gridcolor: line, linecolor: line, zerolinecolor: line, automargin: false }, layout[name]);
      });
      (layout.shapes || []).forEach(function (shape) { shape.line.color = ink; });
      layout.hoverlabel = { font: { size: 12 } };
      return layout;
    }
    figure.appendChild(plot);
    Plotly.newPlot(plot, json.data, themed(), { displaylogo: false, displayModeBar: false, responsive: !fixed }).then(function () {
      still.style.display = "none";
    }, function () { plot.remove(); });
    if (window.matchMedia) matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
      Plotly.react(plot, json.data, themed());
    });
  }
  function drawAll() {
    if (!window.Plotly) return false;
    document.querySelectorAll(".clip-plot:not([data-drawn])").forEach(draw);
    return true;
  }
  if (!drawAll()) {
    var tries = 0, timer = setInterval(function () { if (drawAll() || ++tries > 300) clearInterval(timer); }, 100);
  }
})();
