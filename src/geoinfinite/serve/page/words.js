// Numbers as people read them.

export function metres(gsd) {
  if (gsd === null || gsd === undefined) return "";
  if (gsd >= 1000) return `${precise(gsd / 1000)} km`;
  return gsd >= 1 ? `${precise(gsd)} m` : `${precise(gsd * 100)} cm`;
}

export function seconds(value) {
  if (value < 1) return "less than a second";
  if (value < 90) return `about ${Math.round(value)} s`;
  return `about ${Math.round(value / 60)} min`;
}

function precise(value) {
  return String(Number(value.toPrecision(3)));
}
