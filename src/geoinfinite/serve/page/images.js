// Which image a map shows, and the requests that follow from it.

const RETINA = devicePixelRatio > 1.5 ? "@2x" : "";

// An image is { seed, level }; an empty level follows the zoom.
export function query(image) {
  const words = new URLSearchParams();
  if (image.seed !== undefined && image.seed !== null) words.set("seed", image.seed);
  if (image.level !== "" && image.level !== undefined) words.set("level", image.level);
  return words;
}

// Return the style of a map: one raster on a dark ground, no fonts, nothing from elsewhere.
export function styleOf(image) {
  const words = query(image);
  words.set("ending", `${RETINA}.png`);
  return {
    version: 8,
    sources: {
      image: { type: "raster", url: `${location.origin}/tilejson.json?${words}`, tileSize: 256 },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": "#0d141b" } },
      { id: "image", type: "raster", source: "image", paint: { "raster-fade-duration": 150 } },
    ],
  };
}

// Return the zoom of the map tiles that a map of 256-pixel tiles shows.
export function tileZoom(zoom, settings) {
  return Math.min(Math.max(Math.round(zoom + 1), settings.minzoom), settings.maxzoom);
}

// Return a JSON answer; a refusal becomes an Error with its line.
export async function ask(address) {
  const answer = await fetch(address);
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error || `status ${answer.status}`);
  return told;
}
