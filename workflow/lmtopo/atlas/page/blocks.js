// Blocks: pieces of the page's data, decoded when they are first looked at (see atlas/blocks.py).

const TOP = 65534, NONE = 65535;

/** Reads a block's numbers one array after the other. */
class Numbers {
  constructor(low, high) { this.low = low; this.high = high; this.at = 0; }
  get left() { return this.low.length - this.at; }
  take(count) {
    const found = new Uint16Array(count);
    for (let i = 0; i < count; i++, this.at++) found[i] = this.low[this.at] | this.high[this.at] << 8;
    return found;
  }
  /** The sums of differences modulo 2^16. */
  takeSteps(count) {
    const found = this.take(count);
    for (let i = 1; i < count; i++) found[i] += found[i - 1];
    return found;
  }
  /** Betti numbers: differences of the doubled numbers. */
  takeHalves(count) { return Float64Array.from(this.takeSteps(count), (one) => one / 2); }
  takeScaled(count, from, to) { return scaled(this.take(count), from, to); }
}

function scaled(numbers, from, to) {
  return Float64Array.from(numbers, (one) => one === NONE ? NaN : from + one / TOP * (to - from));
}

const decoded = new Map();
const MOST = 48; // blocks kept decoded: a phone has little memory

/** A block's header and numbers as `read` makes something of them; null where there is no such
    block. */
function load(name, read) {
  if (!decoded.has(name)) {
    const element = document.getElementById(name);
    decoded.set(name, element ? decode(element.textContent, read) : Promise.resolve(null));
    if (decoded.size > MOST) decoded.delete(decoded.keys().next().value);
  }
  return decoded.get(name);
}

async function decode(text, read) {
  const zipped = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  const raw = await new Response(stream).arrayBuffer();
  const length = new DataView(raw).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(raw, 4, length)));
  const count = (raw.byteLength - 4 - length) / 2;
  const numbers = new Numbers(
    new Uint8Array(raw, 4 + length, count), new Uint8Array(raw, 4 + length + count, count));
  return read(header, numbers);
}
