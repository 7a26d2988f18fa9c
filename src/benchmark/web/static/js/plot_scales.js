// Where values stand on an axis, and which of them are named there.

const STEPS = [1, 2, 2.5, 5, 10];

/** A function from `domain` (two values) to `range` (two places), evenly. */
export function linear([low, high], [start, end]) {
  const width = high > low ? high - low : 1;
  return (value) => start + ((value - low) / width) * (end - start);
}

/** The same for values above 0, evenly in their ratios. */
export function logarithmic([low, high], range) {
  const scale = linear([Math.log10(low), Math.log10(high)], range);
  return (value) => scale(Math.log10(value));
}

/** Round values from `low` to `high`, about `number` of them. */
export function ticks(low, high, number = 5) {
  const rough = (high - low) / number || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * STEPS.find((one) => one * power >= rough * 0.999);
  const found = [];
  for (let place = Math.ceil(low / step - 1e-9); place * step <= high + step * 1e-9; place += 1) {
    found.push(Number((place * step).toPrecision(12)));
  }
  return found;
}

/** 1, 2 and 5 times powers of ten from `low` to `high`; powers alone where there are many. */
export function logTicks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    found.push(...[1, 2, 5].map((factor) => Number(`${factor}e${power}`)));
  }
  const inside = found.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  return inside.length <= 8 ? inside : inside.filter((value) => /^1e|^1(0*)$|^0\.0*1$/.test(String(value)));
}

/** Decimals enough to tell these values apart. */
export function tickDecimals(values) {
  const texts = values.map((value) => String(Number(value.toPrecision(6))));
  return Math.max(0, ...texts.map((text) => (text.split(".")[1] ?? "").length));
}
