"use strict";

(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const rows = parseCsv(data.series);
  const byPlace = new Map(rows.map((row) => [[row.region, row.date, row.class].join("\n"), row]));
  const quantity = data.quantity;
  const regions = [...new Set(rows.map((row) => row.region))];
  const state = { region: 0, date: data.observations.length - 1 };

  /* ---- tables and numbers ---- */

  function parseCsv(text) {
    const lines = [[""]];
    let quoted = false;
    for (let i = 0; i < text.length; i += 1) {
      const letter = text[i];
      const line = lines[lines.length - 1];
      if (quoted && letter === '"' && text[i + 1] === '"') {
        line[line.length - 1] += '"';
        i += 1;
      } else if (letter === '"') {
        quoted = !quoted;
      } else if (letter === "," && !quoted) {
        line.push("");
      } else if (letter === "\n" && !quoted) {
        lines.push([""]);
      } else {
        line[line.length - 1] += letter;
      }
    }
    lines.pop();
    const header = lines.shift();
    return lines.map((cells) => Object.fromEntries(header.map((name, n) => [name, cells[n]])));
  }

  const known = (text) => (text === "" || text === undefined ? null : Number(text));

  function plain(value) {
    if (value === null) return "not known";
    const size = value ? Math.floor(Math.log10(Math.abs(value))) : 0;
    return value.toFixed(Math.min(3, Math.max(0, 5 - size)));
  }

  function signed(value) {
    if (value === null) return "not known";
    return value > 0 ? `+${plain(value)}` : plain(value);
  }

  function seenPercent(row) {
    return (100 * Number(row.valid_fraction)).toFixed(1);
  }

  function make(tag, attributes, text) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function draw(tag, attributes, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  const flagsOf = (row) => row.flags.split(";").filter(Boolean);

  function rowOf(key, label) {
    return byPlace.get([regions[state.region], key, label].join("\n"));
  }

  /* ---- areas over time ---- */

  function spotsOf(label) {
    return data.observations.map((observation, index) => {
      const row = rowOf(observation.key, label);
      if (!row || known(row[quantity.column]) === null) return null;
      const flags = flagsOf(row);
      return {
        index,
        time: Date.parse(observation.start),
        area: known(row[quantity.column]),
        low: known(row.area_low_km2),
        high: known(row.area_high_km2),
        most: known(row.area_high_km2) + known(row.unknown_km2),
        flagged: flags.length > 0,
        usable: !flags.some((flag) => data.unusable.includes(flag)),
      };
    });
  }

  function unbroken(spots) {
    const found = [[]];
    for (const spot of spots) {
      if (spot && spot.usable) found[found.length - 1].push(spot);
      else if (found[found.length - 1].length) found.push([]);
    }
    return found.filter((run) => run.length);
  }

  function roundStep(span, most) {
    const rough = span / most;
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= rough);
  }

  function areaTicks(top) {
    if (!(top > 0)) return [0, 1];
    const step = roundStep(top, 5);
    return Array.from({ length: Math.ceil(top / step - 1e-9) + 1 }, (_, n) => n * step);
  }

  function timeTicks(first, last, most) {
    const day = 86400000;
    const iso = (time, letters) => new Date(time).toISOString().slice(0, letters);
    const months = [1, 2, 3, 6, 12, 24, 60, 120, 240];
    for (const days of [1, 2, 5, 10]) {
      if ((last - first) / (days * day) <= most) {
        const start = Math.ceil(first / day) * day;
        const count = Math.floor((last - start) / (days * day)) + 1;
        return Array.from({ length: Math.max(count, 0) }, (_, n) => start + n * days * day).map((t) => [t, iso(t, 10)]);
      }
    }
    const monthOf = (time) => new Date(time).getUTCFullYear() * 12 + new Date(time).getUTCMonth();
    const step = months.find((count) => (monthOf(last) - monthOf(first)) / count <= most) || 600;
    const found = [];
    for (let month = Math.ceil(monthOf(first) / step) * step; month <= monthOf(last) + 1; month += step) {
      const time = Date.UTC(Math.floor(month / 12), month % 12, 1);
      if (time >= first && time <= last) found.push([time, iso(time, step >= 12 ? 4 : 7)]);
    }
    return found;
  }

  function mark(label, x, y, flagged) {
    const look = { class: `mark ${flagged ? "flagged" : `fill-${label}`}` };
    if (label === "ice") return draw("circle", { ...look, cx: x, cy: y, r: 4.5 });
    if (label === "water") return draw("rect", { ...look, x: x - 4, y: y - 4, width: 8, height: 8 });
    return draw("path", { ...look, d: `M${x} ${y - 5}L${x + 5} ${y + 4}H${x - 5}Z` });
  }

  function chartLabel(labels) {
    const sentences = labels.map((label) => {
      const spots = spotsOf(label).filter(Boolean);
      if (!spots.length) return `${label} is not known on any date`;
      const ends = [spots[0], spots[spots.length - 1]].map((s) => `${plain(s.area)} km² on ${data.observations[s.index].key}`);
      return `${label} from ${ends[0]} to ${ends[1]}`;
    });
    return `${quantity.name} over time: ${sentences.join("; ")}. The table of all dates holds every number.`;
  }

  let chart = null;

  function drawChart() {
    const box = at("chart");
    const width = Math.max(280, Math.round(box.clientWidth || 560));
    const height = Math.round(Math.min(460, Math.max(260, width * 0.8)));
    const labels = [...document.querySelectorAll(".charted:checked")].map((input) => input.value);
    const times = data.observations.map((observation) => Date.parse(observation.start));
    const series = new Map(labels.map((label) => [label, spotsOf(label)]));
    const ticks = areaTicks(Math.max(0, ...[...series.values()].flat().filter(Boolean).map((spot) => spot.most)));
    const top = ticks[ticks.length - 1];
    const edge = { left: 14 + 7.2 * Math.max(...ticks.map((tick) => String(plainTick(tick)).length)), right: 16, top: 26, bottom: 30 };
    const [first, last] = [Math.min(...times), Math.max(...times)];
    const spread = last - first || 1;
    const inset = 10;
    const x = (time) => (last === first ? (edge.left + width - edge.right) / 2 : edge.left + inset + ((time - first) / spread) * (width - edge.left - edge.right - 2 * inset));
    const y = (km2) => height - edge.bottom - (km2 / top) * (height - edge.top - edge.bottom);
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": chartLabel(labels) });
    svg.append(draw("text", { x: 2, y: 12 }, `${quantity.name}, km²`));
    for (const tick of ticks) {
      svg.append(draw("path", { class: "grid", d: `M${edge.left} ${y(tick)}H${width - edge.right}` }));
      svg.append(draw("text", { x: edge.left - 6, y: y(tick) + 4, "text-anchor": "end" }, plainTick(tick)));
    }
    const few = Math.max(2, Math.floor((width - edge.left) / 92));
    const marks = last === first ? [[first, data.observations[0].key.slice(0, 10)]] : timeTicks(first, last, few - 1);
    for (const [time, text] of marks) {
      const anchor = x(time) > width - 45 ? "end" : "middle";
      svg.append(draw("path", { class: "axis", d: `M${x(time)} ${height - edge.bottom}v5` }));
      svg.append(draw("text", { x: Math.min(x(time), width - 2), y: height - 10, "text-anchor": anchor }, text));
    }
    svg.append(draw("path", { class: "axis", d: `M${edge.left} ${height - edge.bottom}H${width - edge.right}` }));
    for (const [label, spots] of [...series].reverse()) drawSeries(svg, label, spots, x, y);
    const cursor = draw("path", { class: "cursor", id: "chart-cursor" });
    svg.append(cursor);
    svg.addEventListener("click", (event) => {
      const place = ((event.clientX - svg.getBoundingClientRect().left) / svg.getBoundingClientRect().width) * width;
      const distances = times.map((time) => Math.abs(x(time) - place));
      show(distances.indexOf(Math.min(...distances)));
    });
    box.replaceChildren(svg);
    chart = { cursor, x: (index) => x(times[index]), top: edge.top - 8, bottom: height - edge.bottom };
    moveCursor();
  }

  const plainTick = (tick) => String(Number(tick.toPrecision(12)));

  function drawSeries(svg, label, spots, x, y) {
    for (const run of unbroken(spots)) {
      const along = (name, list) => list.map((spot) => `${x(spot.time).toFixed(1)} ${y(spot[name]).toFixed(1)}`).join("L");
      const back = [...run].reverse();
      svg.append(draw("path", { class: `band fill-${label}`, d: `M${along("low", run)}L${along("high", back)}Z` }));
      svg.append(draw("path", { class: "casing", d: `M${along("area", run)}` }));
      svg.append(draw("path", { class: `line stroke-${label}`, d: `M${along("area", run)}` }));
    }
    for (const spot of spots.filter(Boolean)) {
      const place = x(spot.time).toFixed(1);
      if (spot.most > spot.high) svg.append(draw("path", { class: "unseen", d: `M${place} ${y(spot.high)}V${y(spot.most)}m-4 0h8` }));
      svg.append(draw("path", { class: "bound", d: `M${place} ${y(spot.low)}V${y(spot.high)}m-3 0h6M${place} ${y(spot.low)}m-3 0h6` }));
      svg.append(mark(label, x(spot.time), y(spot.area), spot.flagged));
    }
  }

  function moveCursor() {
    if (chart) chart.cursor.setAttribute("d", `M${chart.x(state.date).toFixed(1)} ${chart.top}V${chart.bottom}`);
  }

  /* ---- map ---- */

  function areaText(key, label) {
    const row = rowOf(key, label);
    const area = row ? known(row[quantity.column]) : null;
    if (area === null) return `${label} not known`;
    const other = known(row[quantity.other_column]);
    const beside = other === null ? "" : `; ${quantity.other} ${plain(other)}`;
    return `${label} ${quantity.name} ${plain(area)} km² (${plain(known(row.area_low_km2))} to ${plain(known(row.area_high_km2))}${beside})`;
  }

  function show(index) {
    state.date = index;
    const observation = data.observations[index];
    at("map-classes").hidden = !observation.classes;
    at("map-lacking").hidden = Boolean(observation.classes);
    if (observation.classes) at("map-classes").src = observation.classes;
    at("map-classes").alt = `Classes on ${observation.key}: ${areaText(observation.key, "ice")}, ${areaText(observation.key, "water")}`;
    const picture = at("map-picture");
    picture.hidden = !observation.picture;
    if (observation.picture) picture.src = observation.picture;
    const slider = at("date");
    slider.value = String(index);
    slider.setAttribute("aria-valuetext", observation.key);
    at("earlier").disabled = index === 0;
    at("later").disabled = index === data.observations.length - 1;
    tellDate(observation.key);
    moveCursor();
  }

  function tellDate(key) {
    const any = rowOf(key, "ice");
    const flags = [...new Set(rows.filter((row) => row.region === regions[state.region] && row.date === key).flatMap(flagsOf))].sort();
    const seen = any ? `; ${seenPercent(any)} % seen` : "";
    const strong = make("strong", {}, key);
    at("readout").replaceChildren(strong, `: ${areaText(key, "ice")}, ${areaText(key, "water")}${seen}${flags.length ? `; flags: ${flags.join(", ")}` : ""}`);
    for (const line of document.querySelectorAll(".sorts tbody tr")) {
      line.classList.toggle("current", line.cells[0].textContent === key);
    }
  }

  /* ---- gain and loss ---- */

  const KINDS = [
    { key: "ice gained", colour: [0, 119, 187] },
    { key: "ice lost", colour: [204, 51, 17] },
    { key: "other change", colour: [221, 170, 51] },
    { key: "stayed ice", colour: [214, 240, 248] },
    { key: "stayed water", colour: [122, 143, 170] },
    { key: "stayed other", colour: [190, 182, 160] },
    { key: "land", colour: [102, 85, 34] },
    { key: "not seen on both days", colour: [136, 136, 136] },
  ];

  function kindOf(before, after) {
    const seen = ["water", "ice", "other"];
    if (before === "land" && after === "land") return 6;
    if (!seen.includes(before) || !seen.includes(after)) return 7;
    if (before !== after) return after === "ice" ? 0 : before === "ice" ? 1 : 2;
    return { ice: 3, water: 4, other: 5 }[after];
  }

  function nearestClass(red, green, blue) {
    let best = data.classes[0];
    let least = Infinity;
    for (const entry of data.classes) {
      const away = Math.abs(entry.colour[0] - red) + Math.abs(entry.colour[1] - green) + Math.abs(entry.colour[2] - blue);
      if (away < least) [best, least] = [entry, away];
    }
    return best.name;
  }

  const decoded = new Map();

  async function classesOf(index) {
    if (decoded.has(index)) return decoded.get(index);
    const image = new Image();
    image.src = data.observations[index].classes;
    await image.decode();
    const canvas = make("canvas", { width: image.naturalWidth, height: image.naturalHeight });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(image, 0, 0);
    const pixels = pen.getImageData(0, 0, canvas.width, canvas.height).data;
    const names = [];
    const cache = new Map();
    for (let i = 0; i < pixels.length; i += 4) {
      const colour = (pixels[i] << 16) | (pixels[i + 1] << 8) | pixels[i + 2];
      if (!cache.has(colour)) cache.set(colour, nearestClass(pixels[i], pixels[i + 1], pixels[i + 2]));
      names.push(pixels[i + 3] < 128 ? null : cache.get(colour));
    }
    const found = { width: canvas.width, height: canvas.height, names };
    decoded.set(index, found);
    return found;
  }

  async function drawChange() {
    const [from, to] = [Number(at("change-from").value), Number(at("change-to").value)];
    tellChange(from, to);
    const lacking = [from, to].some((index) => !data.observations[index].classes);
    at("change-map").hidden = lacking;
    at("change-lacking").hidden = !lacking;
    if (lacking) {
      at("change-legend").replaceChildren();
      return;
    }
    const [before, after] = [await classesOf(from), await classesOf(to)];
    if (from !== Number(at("change-from").value) || to !== Number(at("change-to").value)) return;
    const canvas = at("change-map");
    canvas.width = before.width;
    canvas.height = before.height;
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(before.width, before.height);
    const there = new Set();
    before.names.forEach((name, n) => {
      if (name === null || after.names[n] === null) return;
      const kind = kindOf(name, after.names[n]);
      there.add(kind);
      image.data.set([...KINDS[kind].colour, 255], 4 * n);
    });
    pen.putImageData(image, 0, 0);
    at("change-legend").replaceChildren(...[...there].sort((a, b) => a - b).map(legendEntry));
    canvas.dataset.pair = `${data.observations[from].key} ${data.observations[to].key}`;
  }

  function legendEntry(kind) {
    const entry = make("li");
    const swatch = draw("svg", { width: 16, height: 16, "aria-hidden": "true" });
    swatch.append(draw("rect", { width: 16, height: 16, fill: `rgb(${KINDS[kind].colour.join(" ")})` }));
    entry.append(swatch, KINDS[kind].key);
    return entry;
  }

  function tellChange(from, to) {
    const [a, b] = [data.observations[from].key, data.observations[to].key];
    const pair = data.changes[`${a} ${b}`];
    at("change-caption").textContent = `${a} to ${b}: ${pair ? "pixel area" : quantity.name}, km²`;
    at("change-map").setAttribute("aria-label", `Map of gain and loss from ${a} to ${b}`);
    if (pair) tellPair(pair);
    else tellDifferences(a, b);
  }

  function fillTable(head, lines) {
    at("change-head").replaceChildren(...head.map((text) => make("th", { scope: "col" }, text)));
    at("change-body").replaceChildren(
      ...lines.map(([name, ...cells]) => {
        const line = make("tr");
        line.append(make("th", { scope: "row" }, name), ...cells.map((text) => make("td", {}, text)));
        return line;
      }),
    );
  }

  function tellPair(pair) {
    const net = (entry) => (entry.gained === null || entry.lost === null ? null : entry.gained - entry.lost);
    fillTable(["class", "gained", "lost", "net"], pair.map((entry) => [entry.class, plain(entry.gained), plain(entry.lost), signed(net(entry))]));
    at("change-note").textContent =
      "From change.csv: all pixels of the run that were seen on both days, at full resolution, all regions together. The picture is made smaller and shows where.";
  }

  function tellDifferences(a, b) {
    const lines = data.charted.map((label) => {
      const [before, after] = [rowOf(a, label), rowOf(b, label)].map((row) => (row ? known(row[quantity.column]) : null));
      const change = before === null || after === null ? null : after - before;
      return [label, plain(before), plain(after), signed(change)];
    });
    fillTable(["class", "before", "after", "difference"], lines);
    at("change-note").textContent =
      "change.csv holds consecutive dates, the earlier first. These are differences of the areas of the series: what was not seen on one of the days counts in them as if it were gone. `icepipe compare` measures any two dates. The picture is made smaller and shows where.";
  }

  /* ---- sorting, regions, printing ---- */

  function cellValue(line, column) {
    const text = line.cells[column].textContent;
    return /^-?[0-9.]+( to .*)?$/.test(text) && column > 0 ? parseFloat(text) : text;
  }

  function isLacking(value) {
    return value === "" || value === "not known";
  }

  function compareValues(a, b) {
    if (isLacking(a) !== isLacking(b)) return 0;
    return typeof a === "number" && typeof b === "number" ? a - b : String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
  }

  function sortBy(table, header) {
    const down = header.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((line) => [cellValue(line, header.cellIndex), line]);
    const lacking = keyed.filter(([value]) => isLacking(value));
    const there = keyed.filter(([value]) => !isLacking(value)).sort((a, b) => compareValues(a[0], b[0]) * (down ? -1 : 1));
    body.append(...[...there, ...lacking].map(([, line]) => line));
  }

  function makeSortable(table) {
    for (const header of table.tHead.rows[0].cells) {
      const button = make("button", { type: "button" }, header.textContent);
      button.addEventListener("click", () => sortBy(table, header));
      header.replaceChildren(button);
    }
  }

  function chooseRegion(index) {
    state.region = index;
    for (const element of document.querySelectorAll("[data-region]")) {
      element.hidden = Number(element.dataset.region) !== index;
    }
    for (const path of document.querySelectorAll("[data-outline]")) {
      const chosen = Number(path.dataset.outline) === index;
      path.classList.toggle("chosen", chosen);
      if (chosen) path.parentNode.append(path);
    }
    if (!data.observations.length) return;
    drawChart();
    tellDate(data.observations[state.date].key);
    if (data.observations.length > 1) drawChange();
  }

  function offerDownload() {
    at("download").href = URL.createObjectURL(new Blob([data.series], { type: "text/csv" }));
  }

  function openForPrint() {
    const shut = [...document.querySelectorAll("details:not([open])")];
    window.addEventListener("beforeprint", () => shut.splice(0, shut.length, ...document.querySelectorAll("details:not([open])")) && shut.forEach((one) => (one.open = true)));
    window.addEventListener("afterprint", () => shut.forEach((one) => (one.open = false)));
  }

  function drawK() {
    const box = at("k-chart");
    if (!box) return;
    const points = [...at("k-table").tBodies[0].rows].map((line) => ({
      k: parseInt(line.cells[0].textContent, 10),
      value: parseFloat(line.cells[1].textContent),
      chosen: line.classList.contains("chosen"),
    }));
    const [width, height, edge] = [480, 200, 40];
    const [first, last] = [points[0].k, points[points.length - 1].k];
    const top = Math.max(...points.map((point) => point.value)) || 1;
    const x = (k) => edge + ((k - first) / (last - first || 1)) * (width - 2 * edge);
    const y = (value) => height - edge - (value / top) * (height - 2 * edge);
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Mean squared distance by number of clusters, as in the table" });
    svg.append(draw("text", { x: 4, y: 14 }, "mean squared distance"));
    svg.append(draw("path", { class: "axis", d: `M${edge} ${height - edge}H${width - edge}` }));
    svg.append(draw("path", { class: "casing", "stroke-width": 2, d: `M${points.map((p) => `${x(p.k)} ${y(p.value)}`).join("L")}` }));
    for (const point of points) {
      svg.append(draw("circle", { class: point.chosen ? "mark chosen" : "mark flagged", cx: x(point.k), cy: y(point.value), r: point.chosen ? 7 : 4 }));
      svg.append(draw("text", { x: x(point.k), y: height - edge + 18, "text-anchor": "middle" }, String(point.k)));
    }
    svg.append(draw("text", { x: width / 2, y: height - 4, "text-anchor": "middle" }, "clusters"));
    box.replaceChildren(svg);
  }

  function fillChangeChoices() {
    for (const [id, chosen] of [["change-from", state.date - 1], ["change-to", state.date]]) {
      const select = at(id);
      select.replaceChildren(...data.observations.map((observation, n) => make("option", { value: n }, observation.key)));
      select.value = String(Math.max(0, chosen));
      select.addEventListener("change", drawChange);
    }
  }

  function start() {
    document.querySelectorAll("table.sorts").forEach(makeSortable);
    offerDownload();
    openForPrint();
    drawK();
    if (!data.observations.length) {
      document.querySelectorAll(".side-by-side, #change").forEach((element) => (element.hidden = true));
      return;
    }
    const slider = at("date");
    slider.max = String(data.observations.length - 1);
    slider.addEventListener("input", () => show(Number(slider.value)));
    at("earlier").addEventListener("click", () => show(Math.max(0, state.date - 1)));
    at("later").addEventListener("click", () => show(Math.min(data.observations.length - 1, state.date + 1)));
    document.querySelectorAll(".charted").forEach((input) => input.addEventListener("change", drawChart));
    const opacity = at("opacity");
    if (opacity) {
      const fade = () => (at("map-classes").style.opacity = String(Number(opacity.value) / 100));
      opacity.addEventListener("input", fade);
      fade();
    }
    if (at("region")) at("region").addEventListener("change", (event) => chooseRegion(Number(event.target.value)));
    if (data.observations.length > 1) fillChangeChoices();
    else at("change").hidden = true;
    show(state.date);
    chooseRegion(0);
    let width = 0;
    new ResizeObserver(() => {
      if (at("chart").clientWidth !== width) {
        width = at("chart").clientWidth;
        drawChart();
      }
    }).observe(at("chart"));
  }

  start();
})();
