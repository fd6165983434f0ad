// A panel of a drawing: axes, curves, areas, points. Its marks have the colours of the page's style sheet, by role:
// p the target, q the model, r what is derived from both, s a second derived curve, t what is faint; c0 … c9 the classes.
import { scaleLinear } from "d3-scale";
import { line, area } from "d3-shape";

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 40;
const BOTTOM = 34;
const TOP = 24;
const RIGHT = 10;

const element = (name, attributes = {}, ...children) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

export const number = (value, digits = 4) =>
  Number.isFinite(value) ? Number(value.toPrecision(digits)).toString().replace("-", "−") : value > 0 ? "∞" : value < 0 ? "−∞" : "–";

// A panel with axes from x[0] to x[1] and y[0] to y[1].
export const panel = ({ x, y, xLabel, title, width = 340, height = 230 }) => {
  const across = scaleLinear(x, [LEFT, width - RIGHT]);
  const up = scaleLinear(y, [height - BOTTOM, TOP]);
  const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title, class: "panel" });
  const text = (at, words, kind = "") => svg.append(element("text", { x: at[0], y: at[1], class: kind }, words));
  for (const tick of across.ticks(6)) {
    svg.append(element("line", { x1: across(tick), x2: across(tick), y1: TOP, y2: height - BOTTOM, class: "grid" }));
    text([across(tick), height - BOTTOM + 13], number(tick), "middle");
  }
  for (const tick of up.ticks(5)) {
    svg.append(element("line", { x1: LEFT, x2: width - RIGHT, y1: up(tick), y2: up(tick), class: "grid" }));
    text([LEFT - 5, up(tick) + 3.5], number(tick), "end");
  }
  text([(LEFT + width - RIGHT) / 2, height - 6], xLabel, "middle");
  text([LEFT, 15], title, "title");
  const clip = `clip${Math.random().toString(36).slice(2)}`;
  svg.append(element("clipPath", { id: clip }, element("rect", { x: LEFT, y: TOP - 3, width: width - LEFT - RIGHT, height: height - TOP - BOTTOM + 6 })));
  const marks = element("g", { "clip-path": `url(#${clip})` });
  svg.append(marks);
  const add = (name, attributes, ...children) => {
    marks.append(element(name, attributes, ...children));
    return made;
  };
  const made = {
    svg,
    across,
    up,
    curve: (xs, ys, role) => add("path", { d: line((_, at) => across(xs[at]), (_, at) => up(ys[at])).defined((_, at) => Number.isFinite(ys[at]))(xs), class: `curve ${role}` }),
    filled: (xs, ys, role) => add("path", { d: area((_, at) => across(xs[at]), up(0), (_, at) => up(ys[at]))(xs), class: `area ${role}` }),
    rule: (at, role) => add("line", { x1: across(at), x2: across(at), y1: TOP, y2: height - BOTTOM, class: `curve ${role}` }),
    level: (at, role) => add("line", { x1: LEFT, x2: width - RIGHT, y1: up(at), y2: up(at), class: `curve ${role}` }),
    dot: (place, role, size = 4.5) => add("circle", { cx: across(place[0]), cy: up(place[1]), r: size, class: `dot ${role}` }),
    // many small points as one mark, which costs the page as much as a curve
    points: (places, role) => add("path", { d: places.map(([a, b]) => `M${across(a).toFixed(1)} ${up(b).toFixed(1)}h0`).join(""), class: `points ${role}` }),
  };
  return made;
};

// Square images side by side, each {pixels, words}: pixels in [0, 1], row by row.
export const images = (shown) => {
  const holder = document.createElement("div");
  holder.className = "images";
  for (const { pixels, words } of shown) {
    const side = Math.sqrt(pixels.length);
    const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
    const drawing = canvas.getContext("2d");
    const content = drawing.createImageData(side, side);
    pixels.forEach((value, at) => content.data.set([255 * value, 255 * value, 255 * value, 255], 4 * at));
    drawing.putImageData(content, 0, 0);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", words);
    const figure = document.createElement("figure");
    figure.append(canvas, words);
    holder.append(figure);
  }
  return { element: holder };
};
