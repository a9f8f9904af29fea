(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const one = (id) => document.getElementById(id);
  if (!one("play")) return;  // a graph too large to be stepped through
  const all = (query) => [...document.querySelectorAll(query)];
  const say = (text, fields) => text.replace(/\{(\w+)\}/g, (_, name) => fields[name]);

  // ── numbers, as gradcli writes them ─────────────────────────────────────────────────────────────────────
  const shortest = (x) => {
    if (x === 0) return "0";
    if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
    const [mantissa, power] = x.toExponential().split("e");
    const e = Number(power);
    if (e < -4 || e >= 16) return mantissa + "e" + e;
    const digits = mantissa.replace(/[-.]/g, ""), sign = x < 0 ? "-" : "";
    if (e < 0) return sign + "0." + "0".repeat(-1 - e) + digits;
    const whole = digits.slice(0, e + 1).padEnd(e + 1, "0"), rest = digits.slice(e + 1);
    return sign + whole + (rest ? "." + rest : "");
  };
  // Where a number lies halfway between two, Python takes the even one; JavaScript takes the larger.
  const even = (text, exact) => {
    const [mantissa, power] = text.split("e"), long = exact.split("e")[0];
    const tail = long.slice(mantissa.length + (mantissa.includes(".") ? 0 : 1));
    if (!/^50*$/.test(tail) || long.slice(0, mantissa.length) === mantissa || Number(mantissa.slice(-1)) % 2 === 0) return text;
    return long.slice(0, mantissa.length) + (power === undefined ? "" : "e" + power);
  };
  const fixed = (x, places) => {
    const text = even(Math.abs(x).toFixed(places), Math.abs(x).toFixed(Math.min(100, places + 40)));
    return (x < 0 ? "-" : "") + text;
  };
  const scientific = (x, digits) => {
    const size = Math.abs(x), places = Math.min(100, digits + 39);
    const [mantissa, power] = even(size.toExponential(digits - 1), size.toExponential(places)).split("e");
    return (x < 0 ? "-" : "") + mantissa + "e" + Number(power);
  };
  const significant = (x, digits) => {
    const rounded = Number(scientific(x, digits));
    const power = rounded ? Math.floor(Math.log10(Math.abs(rounded))) : -99;
    return power < -4 || power >= 9 ? scientific(x, digits) : fixed(rounded, Math.max(digits - 1 - power, 0));
  };
  const figure = (x, decimals) => {
    if (!Number.isFinite(x) || x === 0) return shortest(x);
    const short = Number(x.toPrecision(15)), size = Math.abs(x);
    const exact = shortest(Number.isFinite(short) ? short : x);
    const digits = exact.replace(/e.*|[-.]/g, "").replace(/^0+|0+$/g, "").length;
    if (data.sig) return digits <= data.sig ? exact : significant(x, data.sig);
    const places = decimals ?? 4, [mantissa, power] = exact.split("e");
    const behind = (mantissa.split(".")[1] || "").length;
    if (behind <= places && (power || size < 1e16)) return exact;
    if (size >= 1e9) return scientific(x, places + 1);
    if (size < 1e-3 && decimals === null) return digits <= 4 ? exact : significant(x, 4);
    const rounded = fixed(x, places);
    return Number(rounded) ? rounded : significant(x, Math.max(1, places));
  };
  const padded = (x, decimals) => {
    const text = figure(x, decimals);
    if (decimals === null || data.sig || text.includes("e") || !(Math.abs(x) < 1e9)) return text;
    return (text.split(".")[1] || "").length <= decimals ? fixed(x, decimals) : text;
  };
  // A number that is wider than its place has fewer digits, so that nothing of it is cut or covered.
  const fitted = (x, places, room) => {
    const text = padded(x, places);
    if (text.length <= room || !Number.isFinite(x)) return text;
    for (let p = (text.split(".")[1] || "").length; p >= 0; p--) {
      const less = fixed(x, p);
      if (less.length <= room && Math.abs(x) >= 10 ** (3 - p) && Math.abs(x) < 1e9) return less;
    }
    return [4, 3, 2].map((digits) => scientific(x, digits)).find((each, k) => each.length <= room || k === 2);
  };

  // ── the lines of a step, as explain writes them ─────────────────────────────────────────────────────────
  let now = null;
  const columns = { v: "values", g: "grads", l: "locals", d: "downs" };
  const at = (key) => now[columns[key[0]]][Number(key.slice(1))];
  const written = (key) => padded(at(key), data.decimals);
  const raised = [..."⁰¹²³⁴⁵⁶⁷⁸⁹"];
  const pretty = (text) => text
    .replace(/\^(-?[0-9]+)(?![\w.^])/g, (_, power) => power.replace(/./g, (c) => (c === "-" ? "⁻" : raised[c])))
    .replaceAll("*", "·");
  const bare = (text) => {
    const inner = text.replace(/(?<=[(,])\((-[^(),]*)\)(?=[),])/g, "$1");
    return /^\(-[^()]*\)$/.test(inner) ? inner.slice(1, -1) : inner;
  };
  const bracketed = (text) => (text.startsWith("-") ? `(${text})` : text);
  const term = (shown) => {
    if (typeof shown === "string") return shown;
    if (Array.isArray(shown)) return written(shown[0]);
    if (shown.f) return pretty(bare(shown.f.map((piece) => (Array.isArray(piece) ? bracketed(written(piece[0])) : piece)).join("")));
    if (shown.s) return shown.s.map(term).reduce((sum, text) => sum + (text.startsWith("-") ? " - " + text.slice(1) : " + " + text));
    return shown.p.map((factor, k) => {
      const text = term(factor);
      return shown.b.includes(k) || (k && text.startsWith("-")) ? `(${text})` : text;
    }).join(" · ");
  };
  const chain = (line) => {
    let links = line.t;
    if (now && line.e !== undefined && !now.chosen[line.e]) links = [...links.slice(0, line.k), links[links.length - 1]];
    return links.map(term).filter((text, k, texts) => !k || text !== texts[k - 1]);
  };

  // ── showing a step ──────────────────────────────────────────────────────────────────────────────────────
  const count = data.steps.length;
  let step = 0, timer = null, ready = false;
  const element = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    made.textContent = text;
    return made;
  };
  const lined = (line, part) => {
    const row = element("p", "line", "");
    if (line.p) row.append(element("span", "path", line.p + " "));
    const links = chain(line);
    links.forEach((text, k) => {
      row.append(k ? " = " : "");
      row.append(k && k === links.length - 1 ? element("b", part, text) : text);
    });
    return row;
  };
  const output = () => (now ? figure(at("v" + data.output), data.decimals) : data.value);
  const tell = (aloud) => {
    const panel = one("step"), made = [];
    panel.setAttribute("aria-live", aloud ? "polite" : "off");
    const move = data.steps[step - 1];
    panel.className = move ? (move.b ? "backward" : "forward") : "";
    if (!move) {
      made.push(element("h2", "", data.words.overview));
      made.push(element("p", "", say(count ? data.words.overview_text : data.words.overview_only, { output: data.name, value: output() })));
    } else {
      made.push(element("h2", "", say(move.b ? data.words.backward : data.words.forward, { number: step, count })));
      for (const line of move.l) {
        made.push(lined(line, move.b ? "g" : "v"));
        const chosen = !now || line.e === undefined || now.chosen[line.e];
        const remark = chosen ? line.r : line.n;
        if (remark) made.push(element("p", "remark", remark));
      }
    }
    panel.replaceChildren(...made);
  };
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const intoView = (box) => {
    const frame = one("picture");
    if (!box || frame.scrollWidth <= frame.clientWidth) return;
    const inner = box.getBoundingClientRect(), outer = frame.getBoundingClientRect();
    const left = frame.scrollLeft + inner.left - outer.left - (outer.width - inner.width) / 2;
    frame.scrollTo({ left, behavior: calm.matches || !ready ? "auto" : "smooth" });
  };
  const show = (wanted) => {
    step = Math.max(0, Math.min(count, wanted));
    const move = data.steps[step - 1];
    for (const each of all("[data-s]")) {
      const due = Number(each.dataset.s);
      each.classList.toggle("later", step > 0 && due > step);
      each.classList.toggle("fresh", step > 0 && due === step);
    }
    for (const each of all(".now, .here")) each.classList.remove("now", "here");
    if (move) {
      for (const id of move.m) one(id).classList.add("now");
      for (const row of all(`tr[data-r="${move.r}"]`)) row.classList.add("here");
      intoView(one(move.m[0]));
    } else if (one("picture")) one("picture").scrollLeft = 0;
    one("first").disabled = one("previous").disabled = step === 0;
    one("next").disabled = one("last").disabled = step === count;
    one("play").disabled = !count;
    tell(true);
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    one("play").textContent = data.words.play;
  };
  const play = () => {
    if (!count) return undefined;
    if (timer !== null) return stop();
    show(step === count ? 1 : step + 1);
    one("play").textContent = data.words.pause;
    timer = setInterval(() => (step < count ? show(step + 1) : stop()), 1600);
    return undefined;
  };
  const go = (wanted) => { stop(); show(wanted); };
  const moves = { first: () => go(0), previous: () => go(step - 1), play, next: () => go(step + 1), last: () => go(count) };
  for (const [id, act] of Object.entries(moves)) one(id).addEventListener("click", act);
  const keys = { ArrowRight: "next", ArrowLeft: "previous", Home: "first", End: "last", " ": "play" };
  document.addEventListener("keydown", (event) => {
    const act = keys[event.key], target = event.target;
    if (!act || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (target.matches("input") || (event.key === " " && target.matches("button"))) return;
    if (target.matches(".scroll") && target.scrollWidth > target.clientWidth && event.key !== " ") return;
    event.preventDefault();
    moves[act]();
  });

  // ── working everything out again ────────────────────────────────────────────────────────────────────────
  const fill = () => {
    for (const each of all("[data-n]")) {
      const x = at(each.dataset.n), picture = each.namespaceURI.endsWith("svg");
      each.textContent = picture ? fitted(x, data.picture, Number(each.dataset.w)) : figure(x, data.decimals);
      each.classList.toggle("bad", !Number.isFinite(x));
      if (!picture) each.title = shortest(x);
    }
    one("output").textContent = `${data.name} = ${output()}`;
    const said = [];
    const finite = Number.isFinite(at("v" + data.output)), part = finite ? "g" : "v";
    const wrong = data.nodes.find((i) => !Number.isFinite(at(part + i)));
    if (wrong !== undefined) {
      const key = part + wrong;
      const name = finite ? `∂${data.name}/∂${data.names[wrong]}` : data.names[wrong];
      said.push(say(finite ? data.words.no_slope : data.words.not_finite, { name, value: shortest(at(key)) }));
    }
    data.kinks.forEach((note, k) => now.kinks[k] && said.push(note));
    one("said").replaceChildren(...said.map((text) => element("p", "said", text)));
  };
  const again = () => { now = passes(data.x); fill(); tell(false); };
  if (data.live) {
    const start = [...data.x];
    const put = (k, x, source) => {
      data.x[k] = x;
      const slider = one("s" + k), field = one("n" + k);
      if (source !== slider) slider.value = x;
      if (source !== field) field.value = shortest(x);
      field.removeAttribute("aria-invalid");
      slider.setAttribute("aria-valuetext", shortest(x));
    };
    start.forEach((_, k) => {
      one("s" + k).addEventListener("input", (event) => { put(k, event.target.valueAsNumber, event.target); again(); });
      one("n" + k).addEventListener("input", (event) => {
        const x = event.target.valueAsNumber;
        if (Number.isNaN(x)) return event.target.setAttribute("aria-invalid", "true");
        put(k, x, event.target);
        return again();
      });
      one("n" + k).addEventListener("change", () => { put(k, data.x[k], null); });
    });
    one("values").addEventListener("submit", (event) => event.preventDefault());
    one("reset").addEventListener("click", () => { start.forEach((x, k) => put(k, x, null)); again(); });
    start.forEach((x, k) => put(k, x, null));
    now = passes(data.x);
    fill();
  }
  for (const each of all("[data-js]")) each.hidden = false;
  const linked = /^#step-(\d+)$/.exec(location.hash);
  show(linked ? Number(linked[1]) : 0);
  ready = true;
})();
