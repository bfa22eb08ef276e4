"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { labels, panels, recordings, marks } = data;
  const at = (id) => document.getElementById(id);
  const plot = at("plot");
  const SPECIAL = { "-1": ["unlabelled", "/"], "-2": ["null: of no class", "."], "-3": ["many short stretches", "x"] };
  const LIGHT = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800", "#7a6a53"];
  const DASH = { x: "solid", y: "9px,2px", z: "2px,2px" };
  const AXIS_COLOUR = { x: "--blue", y: "--red", z: "--green" };
  const SYMBOL = { unlike: "diamond", error: "x", warning: "triangle-up", info: "circle" };
  const MOST_DRAWN_POINTS = 6000, MOST_DRAWN_RUNS = 300, MANY_PANELS = 4;
  const BAND = 34, MARKS = 40, PANEL = 165, SPACE = 26, TOP = 30, BOTTOM = 46;
  const marksOf = recordings.map(() => []);
  marks.forEach((mark) => marksOf[mark.recording].push(mark));

  let chosen = -1, view = null, listed = [], drawing = Promise.resolve();
  const sensors = panels.map((_, index) => index < MANY_PANELS);

  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  /* plotly reads a little HTML in its texts. */
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const ruler = document.createElement("canvas").getContext("2d");
  function fitting(text, room, font) {
    ruler.font = font;
    if (ruler.measureText(text).width <= room) return text;
    let size = text.length - 1;
    while (size > 1 && ruler.measureText(`${text.slice(0, size)}…`).width > room) size--;
    return size > 1 ? `${text.slice(0, size)}…` : "";
  }
  const clip = (value, low, high) => Math.min(Math.max(value, low), high);
  const short = (text, most) => (text.length <= most ? text : `${text.slice(0, Math.max(most - 1, 1))}…`);
  const number = (value, digits = 1) => value.toLocaleString("en", { maximumFractionDigits: digits });
  const plural = (count, one) => `${number(count)} ${one}${count === 1 ? "" : "s"}`;
  const span = (seconds) => (seconds < 120 ? `${number(seconds)} s` : `${number(seconds / 60)} min`);
  const nameOf = (label) => (label >= 0 ? labels[label] : SPECIAL[label][0]);

  function colourOf(label) {
    if (label < 0) return variable("--line");
    if (label < LIGHT.length) return LIGHT[label];
    return `hsl(${Math.round((label * 137.508 + 20) % 360)}, 50%, ${label % 2 ? 45 : 62}%)`;
  }

  function inkOn(colour) {
    const probe = colour.startsWith("#")
      ? [1, 3, 5].map((place) => parseInt(colour.slice(place, place + 2), 16) / 255)
      : Array(3).fill(parseInt(colour.match(/(\d+)%\)/)[1], 10) / 100);
    return 0.3 * probe[0] + 0.59 * probe[1] + 0.11 * probe[2] > 0.52 ? "#10161d" : "#ffffff";
  }

  /* ---- signals ---- */
  function unpack(index) {
    const recording = recordings[index];
    const text = atob(at(`signal-${index}`).textContent);
    const bytes = new Uint8Array(text.length);
    for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
    const view = new DataView(bytes.buffer), points = recording.points;
    const time = Float64Array.from({ length: points }, (_, point) => view.getFloat32(4 * point, true));
    let offset = 4 * points;
    const channels = recording.codes.map((code) => {
      const values = new Float32Array(points);
      for (let point = 0; point < points; point++) {
        if (code === null) values[point] = view.getFloat32(offset + 4 * point, true);
        else {
          const steps = view.getInt16(offset + 2 * point, true);
          values[point] = steps === -32768 ? NaN : code[0] + code[1] * (steps + 32500);
        }
      }
      offset += points * (code === null ? 4 : 2);
      return values;
    });
    return broken(time, channels, recording.breaks);
  }

  /* A point without a value where a gap is, so that no line runs across it. */
  function broken(time, channels, breaks) {
    const insert = (values, between) => {
      const whole = new values.constructor(values.length + breaks.length);
      let from = 0;
      breaks.forEach((place, number) => {
        whole.set(values.subarray(from, place), from + number);
        whole[place + number] = between(place);
        from = place;
      });
      whole.set(values.subarray(from), from + breaks.length);
      return whole;
    };
    return {
      time: insert(time, (place) => (time[place - 1] + time[place]) / 2),
      channels: channels.map((values) => insert(values, () => NaN)),
      gaps: breaks.map((place, number) => place + number),
    };
  }

  /* The first point at or after a time. */
  function pointAt(time, second) {
    let low = 0, high = time.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (time[middle] < second) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /* What is drawn of a signal: what is shown and as much to either side, in so few points that drawing is quick. */
  function thinned(signal, low, high) {
    const from = Math.max(pointAt(signal.time, low - (high - low)) - 1, 0);
    const to = Math.min(pointAt(signal.time, high + (high - low)) + 1, signal.time.length);
    if (to - from <= MOST_DRAWN_POINTS)
      return { time: signal.time.subarray(from, to), channels: signal.channels.map((values) => values.subarray(from, to)) };
    const every = Math.ceil((2 * (to - from)) / MOST_DRAWN_POINTS), edges = new Set();
    for (let point = from; point < to; point += every) edges.add(point);
    for (const gap of signal.gaps) if (gap >= from && gap < to) edges.add(gap).add(Math.min(gap + 1, to - 1));
    const starts = [...edges].sort((one, other) => one - other);
    const ends = [...starts.slice(1), to];
    return {
      time: starts.flatMap((start, bucket) => {
        const first = signal.time[start], lasts = signal.time[ends[bucket] - 1] - first;
        return [first + 0.25 * lasts, first + 0.75 * lasts];
      }),
      channels: signal.channels.map((values) => starts.flatMap((start, bucket) => leastAndLargest(values, start, ends[bucket]))),
    };
  }

  function leastAndLargest(values, start, end) {
    let least = NaN, most = NaN, leastAt = start, mostAt = start;
    for (let point = start; point < end; point++) {
      const value = values[point];
      if (!(value >= least)) if (!Number.isNaN(value)) { least = value; leastAt = point; }
      if (!(value <= most)) if (!Number.isNaN(value)) { most = value; mostAt = point; }
    }
    return leastAt <= mostAt ? [least, most] : [most, least];
  }

  /* ---- the plot ---- */
  function layoutRows() {
    const shown = panels.map((_, index) => index).filter((index) => sensors[index]);
    const height = TOP + BOTTOM + BAND + MARKS + shown.length * (PANEL + SPACE) + 6;
    const inner = height - TOP - BOTTOM;
    let top = inner;
    const row = (size, space) => {
      const domain = [(top - size) / inner, top / inner].map((value) => clip(value, 0, 1));
      top -= size + space;
      return domain;
    };
    return { height, shown, marks: row(MARKS, 3), band: row(BAND, SPACE), panels: shown.map(() => row(PANEL, SPACE)) };
  }

  function tracesOf(recording, signal, rows) {
    const traces = [...markTraces(recording), bandTrace(recording.runs)];
    rows.shown.forEach((panel, place) => {
      for (const { column, name, axis } of panels[panel].channels) {
        traces.push({
          type: "scatter", mode: "lines", x: signal.time, y: signal.channels[column], name: axis,
          xaxis: "x", yaxis: `y${place + 3}`, legend: place ? `legend${place + 1}` : "legend", connectgaps: false,
          line: { color: variable(AXIS_COLOUR[axis]), dash: DASH[axis], width: 1.3 },
          hovertemplate: `${name} %{y:.4g} ${panels[panel].unit}<extra></extra>`,
        });
      }
    });
    return traces;
  }

  function bandTrace(runs) {
    const colours = runs.label.map(colourOf);
    return {
      type: "bar", orientation: "h", base: runs.begin, x: runs.end.map((end, run) => end - runs.begin[run]),
      y: runs.label.map(() => 0), width: 1, xaxis: "x", yaxis: "y2", showlegend: false,
      marker: {
        color: colours, line: { width: 0.5, color: variable("--card") },
        pattern: { shape: runs.label.map((label) => (label < 0 ? SPECIAL[label][1] : "")), fgcolor: variable("--muted"), bgcolor: variable("--card"), fillmode: "overlay", size: 7, solidity: 0.2 },
      },
      hoverinfo: "text", textposition: "none",
      hovertext: runs.label.map((label, run) =>
        plain(`${nameOf(label)}: ${number(runs.begin[run], 2)} to ${number(runs.end[run], 2)} s`)),
    };
  }

  function markTraces(recording) {
    return ["unlike", "finding"].flatMap((row, y) => {
      const own = marksOf[chosen].filter((mark) => (mark.kind === "unlike") === (row === "unlike"));
      const colour = (mark) => variable(mark.kind === "error" ? "--bad" : mark.kind === "warning" ? "--warn" : mark.kind === "unlike" ? "--purple" : "--muted");
      const text = own.map((mark) => plain(`${mark.kind}: ${short(mark.text, 140)}`));
      const level = row === "unlike" ? 1 : 0;
      return [
        {
          type: "bar", orientation: "h", base: own.map((mark) => mark.begin), x: own.map((mark) => mark.end - mark.begin),
          y: own.map(() => level), width: 0.3, xaxis: "x", yaxis: "y", showlegend: false,
          marker: { color: own.map(colour), opacity: 0.55 }, hoverinfo: "text", hovertext: text, textposition: "none",
        },
        {
          type: "scatter", mode: "markers", x: own.map((mark) => (mark.begin + mark.end) / 2), y: own.map(() => level),
          xaxis: "x", yaxis: "y", showlegend: false, hoverinfo: "text", hovertext: text, meta: "marks",
          customdata: own.map((mark) => marksOf[chosen].indexOf(mark)),
          marker: { symbol: own.map((mark) => SYMBOL[mark.kind]), size: 10, color: own.map(colour) },
        },
      ];
    });
  }

  function layoutOf(recording, rows) {
    const text = variable("--text"), muted = variable("--muted"), grid = variable("--grid");
    const axis = { fixedrange: true, zeroline: false, gridcolor: grid, tickfont: { size: 11, color: muted }, linecolor: grid };
    const layout = {
      height: rows.height, autosize: true, margin: { l: 62, r: 12, t: TOP, b: BOTTOM, autoexpand: false },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: text, size: 12, family: getComputedStyle(document.body).fontFamily },
      barmode: "overlay", bargap: 0, hovermode: "x unified", hoversubplots: "axis",
      hoverlabel: { bgcolor: variable("--card"), bordercolor: muted, font: { color: text, size: 12 }, align: "left" },
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      modebar: { bgcolor: "rgba(0,0,0,0)", color: muted, activecolor: text },
      xaxis: {
        ...axis, fixedrange: false, anchor: `y${rows.shown.length + 2}`, domain: [0, 1], range: view.slice(), ticks: "outside", tickcolor: grid,
        title: { text: "seconds from the beginning of the recording", font: { size: 12, color: muted }, standoff: 8 }, hoverformat: ".2f", ticksuffix: " s", showspikes: true, spikemode: "across", spikethickness: 1, spikedash: "dot", spikecolor: muted,
      },
      yaxis: { ...axis, domain: rows.marks, range: [-0.6, 1.6], tickvals: [0, 1], ticktext: ["findings", "unlike"], gridcolor: "rgba(0,0,0,0)", tickfont: { size: 10, color: muted } },
      yaxis2: { ...axis, domain: rows.band, range: [-0.5, 0.5], tickvals: [0], ticktext: ["label"], gridcolor: "rgba(0,0,0,0)" },
    };
    rows.shown.forEach((panel, place) => {
      layout[`yaxis${place + 3}`] = { ...axis, domain: rows.panels[place], nticks: 6, title: { text: `${panels[panel].title}, ${panels[panel].unit}`, font: { size: 12, color: text }, standoff: 4 } };
      layout[place ? `legend${place + 1}` : "legend"] = { orientation: "h", x: 1, xanchor: "right", y: rows.panels[place][1] + 2 / rows.height, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)", font: { size: 11, color: text }, borderwidth: 0, itemwidth: 30 };
    });
    return layout;
  }

  /* What depends on the stretch of time that is shown: names in the label band, shading, heights of the panels. */
  function detailsOf(recording, signal, rows) {
    const [low, high] = view, width = plot.clientWidth - 74, scale = width / (high - low);
    const changes = { shapes: [], annotations: [] };
    const runs = recording.runs, visible = [], font = `11.5px ${getComputedStyle(document.body).fontFamily}`;
    runs.begin.forEach((begin, run) => { if (runs.end[run] > low && begin < high) visible.push(run); });
    const bottom = rows.panels.length ? rows.panels[rows.panels.length - 1][0] : 0;
    for (const run of visible) {
      const from = Math.max(runs.begin[run], low), to = Math.min(runs.end[run], high), label = runs.label[run];
      const name = fitting(nameOf(label), (to - from) * scale - 4, font);
      if (name) {
        const colour = colourOf(label);
        changes.annotations.push({
          x: (from + to) / 2, y: 0, xref: "x", yref: "y2", showarrow: false, captureevents: false,
          text: plain(name), font: { size: 11.5, color: label < 0 ? variable("--text") : inkOn(colour) },
          ...(label < 0 ? { bgcolor: variable("--card"), borderpad: 1 } : {}),
        });
      }
      if (label >= 0 && visible.length <= MOST_DRAWN_RUNS && bottom < rows.band[0])
        changes.shapes.push({ type: "rect", layer: "below", xref: "x", yref: "paper", x0: runs.begin[run], x1: runs.end[run], y0: bottom, y1: rows.band[0], fillcolor: colourOf(label), opacity: 0.1, line: { width: 0 } });
    }
    const gaps = recording.gaps.filter(([from, to]) => to > low && from < high);
    gaps.sort((one, other) => other[1] - other[0] - (one[1] - one[0]));
    gaps.slice(0, 100).forEach(([from, to], place) => {
      changes.shapes.push({ type: "rect", layer: "below", xref: "x", yref: "paper", x0: from, x1: to, y0: bottom, y1: rows.band[1], fillcolor: variable("--muted"), opacity: 0.35, line: { width: 1, color: variable("--muted"), dash: "dot" } });
      if (place < 8) changes.annotations.push({ x: (Math.max(from, low) + Math.min(to, high)) / 2, y: rows.band[0], xref: "x", yref: "paper", yanchor: "top", showarrow: false, text: `gap ${span(to - from)}`, font: { size: 10, color: variable("--muted") } });
    });
    for (const mark of marksOf[chosen]) {
      if (mark.end <= low || mark.begin >= high || (mark.begin <= 0 && mark.end >= recording.seconds)) continue;
      changes.shapes.push({ type: "rect", xref: "x", yref: "paper", x0: mark.begin, x1: mark.end, y0: bottom, y1: rows.marks[0], fillcolor: "rgba(0,0,0,0)", line: { width: 1.5, dash: "dash", color: variable(mark.kind === "unlike" ? "--purple" : mark.kind === "error" ? "--bad" : "--warn") } });
    }
    rows.shown.forEach((panel, place) => {
      changes[`yaxis${place + 3}.range`] = heightOf(signal, panels[panel].channels, low, high);
    });
    return changes;
  }

  function heightOf(signal, channels, low, high) {
    let least = Infinity, most = -Infinity;
    const from = pointAt(signal.time, low), to = pointAt(signal.time, high);
    for (const { column } of channels) {
      for (const value of signal.channels[column].subarray(from, to)) {
        if (value < least) least = value;
        if (value > most) most = value;
      }
    }
    if (least > most) return [-1, 1];
    const margin = 0.06 * (most - least) || 0.1 * Math.abs(most) || 1;
    return [least - margin, most + margin];
  }

  let current = null;
  function draw() {
    const recording = recordings[chosen], rows = layoutRows(), signal = current.signal;
    current.rows = rows;
    const layout = layoutOf(recording, rows), details = detailsOf(recording, signal, rows);
    layout.shapes = details.shapes;
    layout.annotations = details.annotations;
    rows.shown.forEach((_, place) => { layout[`yaxis${place + 3}`].range = details[`yaxis${place + 3}.range`]; });
    // The buttons are named, since the usual ones include one that uploads the chart to a service.
    const config = { responsive: true, displaylogo: false, scrollZoom: false, plotlyServerURL: "", modeBarButtons: [["toImage", "zoom2d", "pan2d"]] };
    drawing = Plotly.react(plot, tracesOf(recording, thinned(signal, ...view), rows), layout, config).then(() => {
      if (!plot.dataset.heard) listen();
      say();
    });
    return drawing;
  }

  function listen() {
    plot.dataset.heard = "yes";
    plot.on("plotly_relayout", (change) => {
      const range = change["xaxis.range"] || [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      if (change["xaxis.autorange"]) look(null);
      else if (typeof range[0] === "number" && (range[0] !== view[0] || range[1] !== view[1])) look(range);
    });
    plot.on("plotly_doubleclick", () => { look(null); return false; });
    plot.on("plotly_click", (event) => {
      const point = event.points.find((found) => found.data.meta === "marks");
      if (point) goTo(chosen, marksOf[chosen][point.customdata]);
    });
  }

  const whole = () => {
    const seconds = Math.max(recordings[chosen].seconds, ...recordings[chosen].runs.end.slice(-1), 0.1);
    return [-0.005 * seconds, 1.005 * seconds];
  };

  /* Show a stretch of time; null is all of it. */
  function look(range) {
    const all = whole();
    let [low, high] = range || all;
    if (high < low) [low, high] = [high, low];
    const size = clip(high - low, 0.05, all[1] - all[0]);
    low = clip(low, all[0], all[1] - size);
    view = [low, low + size];
    if (current.signal.time.length > MOST_DRAWN_POINTS) return draw();
    const details = detailsOf(recordings[chosen], current.signal, current.rows);
    drawing = drawing.then(() => Plotly.relayout(plot, { "xaxis.range": view.slice(), ...details })).then(say);
    return drawing;
  }

  function move(factor, shift) {
    const size = view[1] - view[0], centre = (view[0] + view[1]) / 2 + shift * size;
    look([centre - (size * factor) / 2, centre + (size * factor) / 2]);
  }

  function say() {
    at("shown").textContent = `${number(Math.max(view[0], 0))} to ${number(Math.min(view[1], recordings[chosen].seconds))} s`;
  }

  /* ---- the chosen recording ---- */
  function choose(index, range) {
    const changed = index !== chosen;
    chosen = index;
    if (changed) {
      current = { signal: unpack(index), rows: null };
      describe(recordings[index]);
    }
    view = whole();
    if (range) {
      const margin = Math.max(0.75 * (range[1] - range[0]), 5);
      view = [Math.max(range[0] - margin, view[0]), Math.min(range[1] + margin, view[1])];
    }
    markCurrent();
    return draw();
  }

  function describe(recording) {
    at("chosen").textContent = `Person ${recording.subject}, session ${recording.session}`;
    const facts = [
      span(recording.seconds), plural(recording.samples, "sample"),
      recording.rate ? `${number(recording.rate, 2)} Hz (median interval)` : "unknown rate",
      recording.off > 0.001 ? `${number(100 * recording.off)} % of the intervals more than 20 % off` : "even intervals",
      recording.gapCount ? `${plural(recording.gapCount, "gap")}, the longest ${span(Math.max(...recording.gaps.map(([from, to]) => to - from)))}` : "no gaps",
    ];
    if (recording.begin) facts.push(`the clock begins at ${recording.begin} s`);
    if (recording.notFinite) facts.push(`${number(recording.notFinite)} samples are not finite`);
    if (recording.every > 1) facts.push(`drawn: least and largest of ${number(recording.every)} samples`);
    at("facts").textContent = facts.join(" · ");
    at("notes").replaceChildren(...marksOf[chosen].slice(0, 8).map((mark) => {
      const item = document.createElement("li"), link = document.createElement("a"), kind = document.createElement("b");
      item.className = mark.kind;
      link.href = `#${recording.link}@${mark.begin.toFixed(2)}-${mark.end.toFixed(2)}`;
      kind.textContent = `${mark.kind} `;
      link.append(kind, `${number(mark.begin, 0)}–${number(mark.end, 0)} s: ${mark.text}`);
      item.append(link);
      if (mark.ordinary) {
        const other = document.createElement("a");
        other.href = `#${mark.ordinary}`;
        other.textContent = `an ordinary stretch of ${mark.label}`;
        item.append("; compare with ", other);
      }
      return item;
    }));
    document.title = `${recording.subject} / ${recording.session}: recordings`;
  }

  function markCurrent() {
    document.querySelectorAll("[aria-current]").forEach((element) => element.removeAttribute("aria-current"));
    const row = at("recordings").querySelector(`[data-recording="${chosen}"]`);
    if (row) { row.setAttribute("aria-current", "true"); row.scrollIntoView({ block: "nearest" }); }
    document.querySelectorAll(".places li > a").forEach((link) => {
      if (link.getAttribute("href") === location.hash) link.setAttribute("aria-current", "true");
    });
    const place = listed.indexOf(chosen);
    at("previous").disabled = place === 0 || !listed.length;
    at("next").disabled = place === listed.length - 1 || !listed.length;
  }

  const goTo = (index, mark) => {
    const hash = `#${recordings[index].link}${mark ? `@${mark.begin.toFixed(2)}-${mark.end.toFixed(2)}` : ""}`;
    if (hash === location.hash) follow();
    else location.hash = hash;
  };

  function step(by) {
    const place = listed.indexOf(chosen);
    const next = place < 0 ? 0 : place + by;
    if (next >= 0 && next < listed.length) goTo(listed[next]);
  }

  const byLink = new Map(recordings.map((recording, index) => [recording.link, index]));
  function follow() {
    const [link, range] = location.hash.slice(1).split("@");
    const index = byLink.get(link);
    if (index === undefined) return false;
    const ends = (range || "").match(/^(-?[\d.]+)-(-?[\d.]+)$/);
    choose(index, ends && [Number(ends[1]), Number(ends[2])]);
    return true;
  }

  /* ---- the list ---- */
  function stripOf(runs, seconds) {
    const stops = [], shown = Math.max(1, Math.ceil(runs.label.length / 80));
    for (let run = 0; run < runs.label.length; run += shown) {
      const end = runs.end[Math.min(run + shown, runs.label.length) - 1];
      stops.push(`${colourOf(runs.label[run])} ${(100 * runs.begin[run]) / seconds}% ${(100 * end) / seconds}%`);
    }
    return stops.length ? `linear-gradient(to right, ${stops.join(", ")})` : "";
  }

  function rowOf(index) {
    const recording = recordings[index], link = document.createElement("a"), item = document.createElement("li");
    const name = document.createElement("span"), meta = document.createElement("span"), strip = document.createElement("span");
    link.href = `#${recording.link}`;
    link.dataset.recording = index;
    name.textContent = `${recording.subject} / ${recording.session}`;
    meta.className = "meta";
    const own = marksOf[index], unlike = own.filter((mark) => mark.kind === "unlike").length, found = own.length - unlike;
    meta.textContent = `${(recording.seconds / 60).toFixed(1)} min`;
    if (unlike) meta.textContent += ` ◆ ${unlike}`;
    if (found) meta.textContent += ` ▲ ${found}`;
    strip.className = "strip";
    strip.style.backgroundImage = stripOf(recording.runs, Math.max(recording.seconds, 1e-3));
    const classes = [...new Set(recording.runs.label)].filter((label) => label >= 0);
    const names = classes.map(nameOf).join(", ") || "unlabelled";
    const note = document.createElement("small");
    note.textContent = classes.length > 2 ? `${classes.length} classes` : names;
    strip.title = names;
    link.setAttribute("aria-label", `person ${recording.subject}, session ${recording.session}, ${number(recording.seconds / 60)} minutes, ${names}, ${unlike} unlike their label, ${plural(found, "finding")}`);
    link.append(name, meta, strip, note);
    item.append(link);
    return item;
  }

  const rows = recordings.map((recording, index) => ({
    element: rowOf(index), words: `${recording.subject} / ${recording.session}`.toLowerCase(), classes: new Set(recording.runs.label),
  }));
  const order = rows.map((_, index) => index);
  order.sort((one, other) => rows[one].words.localeCompare(rows[other].words, "en", { numeric: true }) || one - other);
  at("recordings").append(...order.map((index) => rows[index].element));

  function filter() {
    const words = at("filter-name").value.trim().toLowerCase(), label = at("filter-class").value, code = at("filter-finding").value;
    listed = [];
    for (const index of order) {
      const row = rows[index];
      const fits = row.words.includes(words) && (label === "" || row.classes.has(Number(label))) &&
        (code === "" || marksOf[index].some((mark) => (code === "*" ? mark.code !== "unlike" : mark.code === code)));
      row.element.hidden = !fits;
      if (fits) listed.push(index);
    }
    at("matches").textContent = listed.length === recordings.length ? "" : `${listed.length} of ${recordings.length}`;
    if (chosen >= 0) markCurrent();
  }

  /* ---- controls ---- */
  const tabs = ["unlike", "findings", "list"];
  function open(tab) {
    for (const name of tabs) {
      at(`tab-${name}`).setAttribute("aria-selected", name === tab);
      at(`tab-${name}`).tabIndex = name === tab ? 0 : -1;
      at(`panel-${name}`).hidden = name !== tab;
    }
    if (chosen >= 0) markCurrent();
  }
  tabs.forEach((name, place) => {
    at(`tab-${name}`).onclick = () => open(name);
    at(`tab-${name}`).onkeydown = (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      const next = tabs[(place + by + tabs.length) % tabs.length];
      open(next);
      at(`tab-${next}`).focus();
    };
  });

  panels.forEach((panel, index) => {
    const label = document.createElement("label"), box = document.createElement("input");
    box.type = "checkbox";
    box.checked = sensors[index];
    box.onchange = () => { sensors[index] = box.checked; draw(); };
    label.append(box, ` ${panel.title}`);
    at("sensors").append(label);
  });
  at("sensors").hidden = panels.length < 2;

  for (const id of ["filter-name", "filter-class", "filter-finding"]) at(id).oninput = filter;
  document.querySelector(".filters").onsubmit = (event) => event.preventDefault();
  const actions = {
    previous: () => step(-1), next: () => step(1), "zoom-in": () => move(0.5, 0), "zoom-out": () => move(2, 0),
    earlier: () => move(1, -0.5), later: () => move(1, 0.5), all: () => look(null),
  };
  for (const [id, action] of Object.entries(actions)) at(id).onclick = action;
  const keys = { j: "next", k: "previous", "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", h: "earlier", l: "later", 0: "all" };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input[type=search], select")) return;
    if (keys[event.key] && chosen >= 0) { actions[keys[event.key]](); event.preventDefault(); }
  });
  const paint = () => document.querySelectorAll(".swatch").forEach((swatch) => { swatch.style.background = colourOf(Number(swatch.dataset.label)); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { paint(); if (chosen >= 0) draw(); });
  window.addEventListener("hashchange", follow);
  window.addEventListener("resize", () => { if (chosen >= 0) look(view); });

  paint();
  filter();
  const first = marks.find((mark) => mark.kind === "unlike");
  open(first ? "unlike" : "list");
  if (recordings.length && !follow()) choose(first ? first.recording : order[0], null);
})();
