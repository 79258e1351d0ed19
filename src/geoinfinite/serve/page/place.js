// Coordinates as people write them: "46.2, 7.3", "46°12'N 7°18'E", "46 12 30 N, 7 18 0 E".

const NUMBER = /[+-]?\d+(?:\.\d+)?/g;

// Return { lat, lon }, or null for what is no place.
export function readPlace(text) {
  const upper = text.trim().toUpperCase();
  const halves = inHalves(upper);
  if (!halves) return null;
  const [first, second] = halves.map(readAngle);
  if (!first || !second) return null;
  const turned = first.axis === "lon" || second.axis === "lat";
  const [lat, lon] = turned ? [second, first] : [first, second];
  if (lat.axis === "lon" || lon.axis === "lat") return null;
  if (Math.abs(lat.value) > 90 || Math.abs(lon.value) > 360) return null;
  return { lat: lat.value, lon: ((((lon.value + 180) % 360) + 360) % 360) - 180 };
}

function inHalves(text) {
  const parts = text.includes(",") || text.includes(";") ? text.split(/[,;]/) : text.match(/[^NSEW]+[NSEW]?/g);
  if (parts && parts.length === 2) return parts;
  const numbers = text.match(NUMBER);
  return numbers && numbers.length === 2 && !/[NSEW]/.test(text) ? numbers : null;
}

function readAngle(text) {
  const numbers = (text.match(NUMBER) || []).map(Number);
  if (numbers.length < 1 || numbers.length > 3 || /[^\d\s.°'"′″NSEW+-]/.test(text)) return null;
  const [degrees, minutes = 0, seconds = 0] = numbers;
  if (minutes < 0 || minutes >= 60 || seconds < 0 || seconds >= 60) return null;
  const side = (text.match(/[NSEW]/) || [""])[0];
  const negative = /^\s*-/.test(text) || side === "S" || side === "W";
  const value = Math.abs(degrees) + minutes / 60 + seconds / 3600;
  return { value: negative ? -value : value, axis: axisOf(side) };
}

function axisOf(side) {
  if (side === "N" || side === "S") return "lat";
  return side ? "lon" : "";
}
