/** From numbers to pixels. */

/** Grey of each of the 65536 int16 values in a window, as opaque RGBA. @returns {Uint32Array} */
export function greyTable(low, high) {
  const table = new Uint32Array(65536);
  const scale = 255 / (high - low);
  for (let value = -32768; value < 32768; value++) {
    const grey = Math.max(0, Math.min(255, Math.round((value - low) * scale)));
    table[value & 0xffff] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
  return table;
}

/** Colors of a byte: the model's mask. @returns {Uint32Array} */
export function maskTable(threshold) {
  const table = new Uint32Array(256);
  for (let value = 0; value < 256; value++) {
    table[value] = value / 255 > threshold ? rgba(92, 200, 255, 80) : 0;
  }
  return table;
}

/** Colors of a byte: uncertainty from nothing over violet and orange to yellow. @returns {Uint32Array} */
export function heatTable() {
  const stops = [
    [0, 60, 20, 110, 0],
    [0.35, 120, 28, 109, 15],
    [0.7, 237, 105, 37, 95],
    [1, 252, 230, 120, 125],
  ];
  const table = new Uint32Array(256);
  for (let value = 0; value < 256; value++) {
    const share = value / 255;
    const after = Math.max(1, stops.findIndex((stop) => stop[0] >= share));
    const [first, second] = [stops[after - 1], stops[after]];
    const mix = (share - first[0]) / (second[0] - first[0]);
    table[value] = rgba(...[1, 2, 3, 4].map((part) => Math.round(first[part] + mix * (second[part] - first[part]))));
  }
  return table;
}

/**
 * Paint values through a table on a canvas of their own size.
 * @param {HTMLCanvasElement} canvas
 * @param {Int16Array | Uint8Array} values
 * @param {Uint32Array} table
 */
export function paint(canvas, values, width, height, table) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const mask = table.length - 1;
  for (let index = 0; index < values.length; index++) pixels[index] = table[values[index] & mask];
  context.putImageData(image, 0, 0);
}

function rgba(red, green, blue, alpha) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
