"use strict";
// The parts of report.html that move: names of points, contenders that can be hidden, tables that can be sorted and
// searched, text that can be copied. Without scripts the page shows all it has.
(() => {
  const REACH = 22; // distance from a point at which it is named, in 1/72 inch of the picture

  const make = (kind, properties, ...children) => {
    const element = Object.assign(document.createElement(kind), properties);
    element.append(...children);
    return element;
  };

  const written = (number) => {
    if (number === 0) return "0";
    const size = Math.abs(number);
    if (Number.isInteger(number) && size < 1e6) return String(number);
    return size >= 1e5 || size < 1e-3 ? number.toExponential(2) : String(Number(number.toPrecision(5)));
  };

  const picture = (figure) => {
    const svg = figure.querySelector("svg");
    const data = JSON.parse(figure.querySelector("script").textContent);
    const hidden = new Set();
    const parts = (name) => data.elements[name].map((id) => document.getElementById(id)).filter(Boolean);
    const entries = {};
    for (const [id, name] of Object.entries(data.legend)) {
      const element = document.getElementById(id);
      if (element) (entries[name] ??= []).push(element);
    }

    const switchSeries = (name) => {
      hidden.has(name) ? hidden.delete(name) : hidden.add(name);
      for (const element of parts(name)) element.style.display = hidden.has(name) ? "none" : "";
      for (const element of entries[name]) {
        element.style.opacity = hidden.has(name) ? "0.35" : "";
        if (element.hasAttribute("role")) element.setAttribute("aria-pressed", String(!hidden.has(name)));
      }
    };

    for (const [name, elements] of Object.entries(entries)) {
      const last = elements[elements.length - 1]; // the words, which a keyboard reaches
      last.setAttribute("role", "button");
      last.setAttribute("tabindex", "0");
      last.setAttribute("aria-pressed", "true");
      last.setAttribute("aria-label", name);
      last.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        switchSeries(name);
      });
      for (const element of elements) {
        element.classList.add("entry");
        element.addEventListener("click", () => switchSeries(name));
      }
    }

    const tip = make("div", { className: "tip", hidden: true });
    figure.querySelector(".paper").append(tip);
    const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    for (const [key, value] of Object.entries({ r: 5, fill: "none", stroke: "currentColor", "stroke-width": 1.2 })) {
      ring.setAttribute(key, value);
    }
    ring.style.display = "none";
    ring.style.pointerEvents = "none";
    svg.append(ring);

    const near = (x, y) => {
      let best = null;
      let least = REACH ** 2;
      for (const part of data.points) {
        if (hidden.has(part.name)) continue;
        part.places.forEach(([px, py], index) => {
          const distance = (px - x) ** 2 + (py - y) ** 2;
          if (distance < least) [least, best] = [distance, { part, index, px, py }];
        });
      }
      return best;
    };

    svg.addEventListener("pointermove", (event) => {
      const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const found = near(place.x, place.y);
      tip.hidden = !found;
      ring.style.display = found ? "" : "none";
      if (!found) return;
      ring.setAttribute("cx", found.px);
      ring.setAttribute("cy", found.py);
      const lines = found.part.words.map((word, axis) => `${word}: ${written(found.part.numbers[found.index][axis])}`);
      tip.replaceChildren(make("b", { textContent: found.part.name }), ...lines.map((line) => make("div", { textContent: line })));
      const box = figure.querySelector(".paper").getBoundingClientRect();
      const left = Math.min(event.clientX - box.left + 14, box.width - tip.offsetWidth - 4);
      tip.style.left = `${Math.max(0, left)}px`;
      tip.style.top = `${event.clientY - box.top + 16}px`;
    });
    svg.addEventListener("pointerleave", () => {
      tip.hidden = true;
      ring.style.display = "none";
    });
  };

  const number = (text) => {
    const plain = text.replaceAll(",", "").replaceAll("\u2212", "-").trim();
    const found = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?/i.exec(plain);
    return found ? Number(found[0]) : NaN;
  };

  const compare = (a, b) => {
    const [x, y] = [number(a), number(b)];
    if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1; // what is no number comes last
    return a.localeCompare(b, "en", { numeric: true });
  };

  const sortable = (table) => {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    if (body.rows.length < 2) return;
    heads.forEach((head, column) => {
      const button = make("button", { type: "button", className: "sort" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].map((row) => [row.cells[column].textContent, row]);
        rows.sort(([a], [b]) => (down ? compare(b, a) : compare(a, b)));
        body.append(...rows.map(([, row]) => row));
      });
    });
  };

  const searchable = (table) => {
    const rows = [...table.tBodies[0].rows];
    const count = make("span", { className: "note" });
    count.setAttribute("aria-live", "polite");
    const field = make("input", { type: "search", placeholder: "such as: uccsd converged" });
    const label = make("label", {}, "Rows with the words ", field);
    const show = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        left += !row.hidden;
      }
      count.textContent = ` ${left} of ${rows.length} rows`;
    };
    field.addEventListener("input", show);
    table.parentElement.before(make("p", { className: "search" }, label, count));
    show();
  };

  const copied = (block) => {
    const button = make("button", { type: "button", className: "copy", textContent: "Copy" });
    button.addEventListener("click", async () => {
      const range = document.createRange();
      range.selectNodeContents(block);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      try {
        await navigator.clipboard.writeText(block.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = document.execCommand("copy") ? "Copied" : "Selected: press Ctrl-C";
      }
    });
    block.before(button);
  };

  document.querySelectorAll("figure.live").forEach(picture);
  document.querySelectorAll("main table").forEach(sortable);
  document.querySelectorAll("table.rows").forEach(searchable);
  document.querySelectorAll("pre").forEach(copied);
})();
