// Drawing on a report: strokes become a picture as the training pictures are, and the model says what it sees.
"use strict";

const drawingData = JSON.parse(document.getElementById("drawing-data").textContent);

// Numbers of a table as its model takes them: the twin of tables/encoders.py; null leaves pixels as they are.
const preparationOf = (columns) => {
  const share = (x, least, greatest, low, high) => Math.min(Math.max((x - least) / (greatest - least), low), high);
  const scaled = (x, { least, greatest }) => [share(x, least, greatest, -3, 4)];
  const coded = (x, { edges, center, scale }) => {
    const last = edges.length - 2, z = Math.min(Math.max((x - center) * scale, -1e150), 1e150);
    if (last < 0) return []; // a constant
    const code = edges.slice(1).map((edge, i) => share(x, edges[i], edge, i === 0 ? -3 : 0, i === last ? 4 : 1));
    return [z / Math.sqrt(1 + (z / 3) ** 2), ...code];
  };
  const encoded = (x, column) => [...("edges" in column ? coded : scaled)(x, column), ...(column.flagged ? [0] : [])];
  return (pixels) => (columns ? columns.flatMap((column) => encoded(pixels[column.place], column)) : pixels);
};

// Return the probability of each class: the weighted mean of what the networks say of the pixels of a picture.
const predictPixels = (() => {
  const prepare = preparationOf(drawingData.preparation);
  const networks = drawingData.networks.map(networkOf);
  const shares = (outputs) => {
    let y = [...outputs];
    if (drawingData.fromLogits) {
      const largest = Math.max(...y);
      y = y.length === 1 ? [1 / (1 + Math.exp(-y[0]))] : y.map((v) => Math.exp(v - largest));
    }
    if (y.length === 1) y = [1 - y[0], y[0]];
    const sum = y.reduce((a, b) => a + b, 0);
    return y.map((v) => v / sum);
  };
  return (pixels) => {
    const inputs = prepare(pixels);
    const all = networks.map((network) => shares(network(inputs)[0]));
    return all[0].map((_, i) => all.reduce((sum, one, k) => sum + drawingData.weights[k] * one[i], 0));
  };
})();

// Return the pixels of strokes, lists of points [x, y] within 0 and 1: of their size, place and thickness in training.
const pixelsOf = (strokes) => {
  const { height, width, placement } = drawingData;
  const { background, ink, box, byMass, center, thickness } = placement;
  const fine = Math.max(2, Math.min(16, Math.floor(512 / Math.max(height, width)))); // points of the drawing to a pixel
  const points = strokes.flat();
  if (!points.length) return new Float64Array(height * width).fill(background);
  const side = Math.max(height, width);
  const bounds = [0, 1].map((axis) => {
    const values = points.map((point) => point[axis] * side);
    return [Math.min(...values), Math.max(...values)];
  });
  const extent = Math.max(...bounds.map(([low, high]) => high - low));
  const scale = extent > 1 ? Math.max(box - thickness, 1) / extent : 1; // a dot stays one
  const middle = bounds.map(([low, high]) => (low + high) / 2);

  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width * fine, height * fine];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const cover = (place) => { // the share of each pixel that is covered, with the middle of the box at a place
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.lineWidth = thickness * fine;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of strokes) {
      context.beginPath();
      stroke.forEach((point, i) => {
        const [x, y] = point.map((v, axis) => ((v * side - middle[axis]) * scale + place[axis]) * fine);
        if (i === 0) context.moveTo(x, y);
        context.lineTo(x, y);
      });
      context.stroke();
    }
    const alpha = context.getImageData(0, 0, canvas.width, canvas.height).data;
    const found = new Float64Array(height * width);
    for (let y = 0, i = 3; y < canvas.height; y++) {
      for (let x = 0; x < canvas.width; x++, i += 4) {
        found[Math.floor(y / fine) * width + Math.floor(x / fine)] += alpha[i] / 255 / fine / fine;
      }
    }
    return found;
  };

  let found = cover(byMass ? [width / 2, height / 2] : center);
  if (byMass) {
    let [sum, across, down] = [0, 0, 0];
    found.forEach((v, i) => {
      sum += v;
      across += v * (i % width + 0.5);
      down += v * (Math.floor(i / width) + 0.5);
    });
    if (sum > 0) found = cover([width / 2 + center[0] - across / sum, height / 2 + center[1] - down / sum]);
  }
  return found.map((v) => background + Math.min(v, 1) * (ink - background));
};

(() => {
  const { height, width, classes, placement, examples, low, high } = drawingData;
  const find = (name) => document.getElementById(`drawing-${name}`);
  const [pad, seen, bars, status] = ["pad", "seen", "bars", "status"].map(find);
  const strokes = [];
  let open = false, example = -1, pen = null;

  const showSeen = (pixels) => {
    [seen.width, seen.height] = [width, height];
    const context = seen.getContext("2d"), image = context.createImageData(width, height);
    const channels = pixels.length / (width * height);
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < 3; c++) {
        image.data[4 * i + c] = 255 * (pixels[i * channels + (channels === 3 ? c : 0)] - low) / (high - low || 1);
      }
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  };

  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const MOST = 10;
  const showShares = (shares, sentence) => {
    let order = classes.map((_, i) => i);
    const best = order.reduce((a, b) => (shares[b] > shares[a] ? b : a));
    if (order.length > MOST) order = order.sort((a, b) => shares[b] - shares[a]).slice(0, MOST);
    bars.replaceChildren(...order.map((i) => {
      const item = document.createElement("li"), bar = document.createElement("span");
      const words = [classes[i], percent(shares[i])].map((text) => {
        const word = document.createElement("span");
        word.textContent = text;
        return word;
      });
      bar.className = "share";
      bar.setAttribute("aria-hidden", "true");
      const inner = document.createElement("span");
      inner.style.width = `${100 * shares[i]}%`;
      bar.append(inner);
      if (i === best) item.className = "best";
      item.append(words[0], bar, words[1]);
      return item;
    }));
    status.textContent = sentence(classes[best], percent(shares[best]));
  };

  const showDrawing = () => {
    const pixels = pixelsOf(strokes);
    showSeen(pixels);
    showShares(predictPixels(pixels), (name, share) => `The drawing is ${name}, with ${share}.`);
  };

  const showPad = () => {
    const context = pad.getContext("2d"), side = pad.width;
    context.clearRect(0, 0, side, side);
    context.strokeStyle = context.fillStyle = "#fff";
    context.lineWidth = side * placement.thickness / Math.max(height, width);
    context.lineCap = context.lineJoin = "round";
    for (const stroke of strokes) {
      context.beginPath();
      stroke.forEach(([x, y], i) => {
        if (i === 0) context.moveTo(x * side, y * side);
        context.lineTo(x * side, y * side);
      });
      context.stroke();
    }
    if (pen) {
      context.strokeStyle = pen.down ? "#6cf" : "#999";
      context.lineWidth = 3;
      context.beginPath();
      context.arc(pen.at[0] * side, pen.at[1] * side, 9, 0, 7);
      context.stroke();
    }
  };

  const clear = () => {
    strokes.length = 0;
    open = false;
    if (pen) pen.down = false;
    if (pad) showPad();
    bars.replaceChildren();
    seen.getContext("2d").clearRect(0, 0, seen.width, seen.height);
    status.textContent = "";
  };

  const startStroke = (point) => {
    if (example >= 0) {
      example = -1;
      clear();
    }
    strokes.push([point]);
    showPad();
    showDrawing();
  };
  const goOn = (...points) => {
    strokes[strokes.length - 1].push(...points);
    showPad();
    showDrawing();
  };

  const pointOf = (event) => {
    const box = pad.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };

  if (pad) {
    pad.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary || event.button !== 0) return;
      pad.setPointerCapture(event.pointerId);
      pen = null;
      startStroke(pointOf(event));
      open = true;
    });
    pad.addEventListener("pointermove", (event) => {
      if (!open || !event.isPrimary) return;
      const between = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      goOn(...(between.length ? between : [event]).map(pointOf));
    });
    for (const name of ["pointerup", "pointercancel"]) pad.addEventListener(name, () => { open = false; });
    const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    pad.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || event.key === "Delete") clear();
      else if (event.key === " ") {
        pen ??= { at: [0.5, 0.5], down: false };
        pen.down = !pen.down;
        if (pen.down) startStroke([...pen.at]);
      } else if (MOVES[event.key]) {
        pen ??= { at: [0.5, 0.5], down: false };
        pen.at = pen.at.map((v, axis) => Math.min(Math.max(v + MOVES[event.key][axis] / 25, 0), 1));
        if (pen.down) goOn([...pen.at]);
      } else return;
      event.preventDefault();
      showPad();
    });
    pad.addEventListener("blur", () => {
      pen = null;
      showPad();
    });
    find("clear").addEventListener("click", () => {
      example = -1;
      clear();
    });
  }

  find("example").addEventListener("click", () => {
    const next = (example + 1) % examples.length;
    clear();
    example = next;
    const { pixels, name } = examples[example];
    const values = decodeFloats(pixels);
    showSeen(values);
    showShares(predictPixels(values), (found, share) =>
      `A test picture of ${name}: the model says ${found}, with ${share}.`);
  });
})();
