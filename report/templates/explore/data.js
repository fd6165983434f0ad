// What `dgm.report.explorables` packed, as typed arrays: {shape, values}.
const KINDS = { float64: Float64Array, float32: Float32Array, int32: Int32Array, int16: Int16Array, uint8: Uint8Array };

const unpacked = (held) => {
  const bytes = Uint8Array.from(atob(held.data), (letter) => letter.charCodeAt(0));
  const values = new KINDS[held.kind](bytes.buffer);
  if (!held.scale) return { shape: held.shape, values };
  const scale = unpacked(held.scale).values;
  const columns = values.length / scale.length;
  return { shape: held.shape, values: Float32Array.from(values, (code, at) => (code - 128) * scale[Math.floor(at / columns)]) };
};

// The same content with every packed array unpacked.
export const read = (content) => {
  if (Array.isArray(content)) return content.map(read);
  if (content === null || typeof content !== "object") return content;
  if (content.kind in KINDS && "data" in content) return unpacked(content);
  return Object.fromEntries(Object.entries(content).map(([name, held]) => [name, read(held)]));
};
