// A network of fastmlp in JavaScript: `networkOf(description)` returns the function that predicts a row.
"use strict";

const decodeFloats = (text) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
};

const networkOf = (() => {
  const logistic = (v) => 1 / (1 + Math.exp(-v));
  const softplus = (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
  const hardLogistic = (v) => Math.min(Math.max(v + 3, 0), 6) / 6;
  const within = (v, low, high) => Math.min(Math.max(v, low), high);
  const polynomial = (x, ...coefficients) => coefficients.reduce((sum, one) => sum * x + one);

  // to about 1e-7; the coefficients are those of the engine's float32
  const erf = (x) => {
    const z = x * x, size = Math.abs(x), q = 1 / z;
    if (size <= 1) {
      return x * polynomial(z, 7.853861353153693e-5, -8.010193625184903e-4, 5.188327685732524e-3,
        -2.685381193529856e-2, 1.128358514861418e-1, -3.761262582423300e-1, 1.128379165726710);
    }
    const p = size < 2
      ? polynomial(q, 2.326819970068386e-2, -1.387039388740657e-1, 3.687424674597105e-1, -5.824733027278666e-1,
        6.210004621745983e-1, -4.944515323274145e-1, 3.404879937665872e-1, -2.741127028184656e-1,
        5.638259427386472e-1)
      : polynomial(q, -1.047766399936249e+1, 1.297719955372516e+1, -7.495518717768503, 2.921019019210786,
        -1.015265279202700, 4.218463358204948e-1, -2.820767439740514e-1, 5.641895067754075e-1);
    return Math.sign(x) * (1 - Math.exp(-z) * p / size);
  };

  // of single numbers, with the settings of the step
  const ELEMENTWISE = {
    linear: (v) => v,
    relu: (v) => Math.max(v, 0),
    sigmoid: logistic,
    tanh: Math.tanh,
    exponential: Math.exp,
    softsign: (v) => v / (1 + Math.abs(v)),
    hard_sigmoid: hardLogistic,
    leaky_relu: (v) => (v > 0 ? v : 0.2 * v),
    relu6: (v) => within(v, 0, 6),
    elu: (v) => (v > 0 ? v : Math.expm1(v)),
    selu: (v) => 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * Math.expm1(v)),
    softplus,
    silu: (v) => v * logistic(v),
    gelu: (v) => v * 0.5 * (1 + erf(v * Math.SQRT1_2)),
    gelu_tanh: (v) => v * 0.5 * (1 + Math.tanh(0.7978845608028654 * (v + 0.044715 * v * v * v))),
    mish: (v) => v * Math.tanh(softplus(v)),
    hard_silu: (v) => v * hardLogistic(v),
    hard_tanh: (v) => within(v, -1, 1),
    sparse_sigmoid: (v) => 0.5 * (within(v, -1, 1) + 1),
    sparse_plus: (v) => (v <= -1 ? 0 : v < 1 ? 0.25 * (v + 1) * (v + 1) : v),
    log_sigmoid: (v) => -softplus(-v),
    tanh_shrink: (v) => v - Math.tanh(v),
    rectifier: (v, { negative_slope, threshold, max_value = Infinity }) =>
      (v > threshold ? Math.min(v, max_value) : negative_slope * (v - threshold)),
    scaled_elu: (v, { alpha, width }) => (v > 0 ? v : alpha * Math.expm1(v / width)),
    squareplus: (v, { b }) => 0.5 * (v + Math.sqrt(v * v + b)),
    hard_shrink: (v, { threshold }) => (Math.abs(v) <= threshold ? 0 : v),
    soft_shrink: (v, { threshold }) => v - within(v, -threshold, threshold),
    threshold: (v, { threshold, default_value }) => (v <= threshold ? default_value : v),
  };

  const shifted = (row) => {
    const largest = row.reduce((a, b) => Math.max(a, b));
    return row.map((v) => v - largest);
  };
  const total = (row) => row.reduce((a, b) => a + b, 0);

  // of whole rows
  const softmax = (row) => {
    const powers = shifted(row).map(Math.exp), sum = total(powers);
    return powers.map((v) => v / sum);
  };
  const logSoftmax = (row) => {
    const z = shifted(row), logarithm = Math.log(total(z.map(Math.exp)));
    return z.map((v) => v - logarithm);
  };
  const sparsemax = (row) => {
    const z = shifted(row), falling = [...z].sort((a, b) => b - a);
    let sum = 0, threshold = 0;
    falling.forEach((v, i) => {
      sum += v;
      if (1 + (i + 1) * v > sum) threshold = (sum - 1) / (i + 1);
    });
    return z.map((v) => Math.max(v - threshold, 0));
  };
  const ROWWISE = { softmax, log_softmax: logSoftmax, sparsemax };

  const byRows = (x, columns, make) => {
    const y = new Float64Array(x.length);
    for (let start = 0; start < x.length; start += columns) {
      y.set(make(x.subarray(start, start + columns)), start);
    }
    return y;
  };

  const dense = (step, [x], { kernel, bias }) => {
    const units = step.columns, inputs = x.length / step.groups, y = new Float64Array(step.groups * units);
    for (let group = 0; group < step.groups; group++) {
      const row = y.subarray(group * units, (group + 1) * units);
      if (bias) row.set(bias);
      for (let p = 0; p < inputs; p++) {
        const value = x[group * inputs + p];
        if (value === 0) continue; // most of a picture
        for (let j = 0, place = p * units; j < units; j++, place++) row[j] += value * kernel[place];
      }
    }
    return y;
  };

  const activation = (step, [x]) => {
    const { activation: name, ...settings } = step.settings;
    return ROWWISE[name] ? byRows(x, step.columns, ROWWISE[name]) : x.map((v) => ELEMENTWISE[name](v, settings));
  };

  const layerNormalization = (step, [x], { gamma, beta }) =>
    byRows(x, step.columns, (row) => {
      const mean = total(row) / row.length;
      const variance = total(row.map((v) => (v - mean) ** 2)) / row.length;
      const inverse = 1 / Math.sqrt(variance + step.settings.epsilon);
      return row.map((v, j) => (v - mean) * inverse * (gamma ? gamma[j] : 1) + (beta ? beta[j] : 0));
    });

  const unitNormalization = (step, [x]) =>
    byRows(x, step.columns, (row) => {
      const length = Math.max(Math.sqrt(total(row.map((v) => v * v))), 1e-12);
      return row.map((v) => v / length);
    });

  const embedding = (step, [x], { embeddings }) => {
    const { input_dim: rows, output_dim: columns } = step.settings, y = new Float64Array(x.length * columns);
    x.forEach((v, i) => {
      const row = Math.trunc(within(v, 0, rows - 1)) || 0;
      y.set(embeddings.subarray(row * columns, (row + 1) * columns), i * columns);
    });
    return y;
  };

  const concatenate = (step, reads) => {
    const y = new Float64Array(step.groups * step.columns);
    let place = 0;
    for (const x of reads) {
      const columns = x.length / step.groups;
      for (let group = 0; group < step.groups; group++) {
        y.set(x.subarray(group * columns, (group + 1) * columns), group * step.columns + place);
      }
      place += columns;
    }
    return y;
  };

  const merged = (combine) => (step, [first, ...others]) =>
    others.reduce((y, x) => y.map((v, i) => combine(v, x[i])), first);
  const add = merged((a, b) => a + b);

  const STEPS = {
    dense,
    activation,
    embedding,
    concatenate,
    layer_normalization: layerNormalization,
    unit_normalization: unitNormalization,
    scale: (step, [x], { mean, factor, offset }) =>
      byRows(x, step.columns, (row) => row.map((v, j) => (v - mean[j]) * factor[j] + offset[j])),
    prelu: (step, [x], { alpha }) => byRows(x, step.columns, (row) => row.map((v, j) => (v > 0 ? v : alpha[j] * v))),
    rescaling: (step, [x]) => x.map((v) => v * step.settings.scale + step.settings.offset),
    split: (step, [x]) => x,
    join: (step, [x]) => x,
    add,
    average: (step, reads) => add(step, reads).map((v) => v / reads.length),
    subtract: merged((a, b) => a - b),
    multiply: merged((a, b) => a * b),
    maximum: merged(Math.max),
    minimum: merged(Math.min),
  };

  // Return the function from one array for each input, of a row, to one Float64Array for each output.
  return ({ steps, arrays, outputs }) => {
    const decoded = arrays.map(decodeFloats);
    const ready = steps.map((step) => ({
      ...step,
      weights: Object.fromEntries(Object.entries(step.weights).map(([name, place]) => [name, decoded[place]])),
    }));
    return (...inputs) => {
      const values = inputs.map((x) => Float64Array.from(x));
      for (const step of ready) {
        values.push(STEPS[step.kind](step, step.reads.map((number) => values[number]), step.weights));
      }
      return outputs.map((number) => values[number]);
    };
  };
})();
